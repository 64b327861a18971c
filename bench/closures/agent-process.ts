/** A builder as far as closures go: dials out by SSH, and serves `nix-store --serve --write` on channels it is asked for. */
import { startProcess } from '@argunix/shared/kit/run-process';
import { joinServeChannel } from '@argunix/shared/nix/serve-channel';
import ssh2 from 'ssh2';

const [port = '', privateKey = ''] = process.argv.slice(2);
const client = new ssh2.Client();
client.on('ready', () => {
  client.exec('control', (error, control) => {
    if (error !== undefined) {
      throw error;
    }
    // A byte for each channel that is wanted.
    control.on('data', (wanted: Buffer) => {
      for (const _ of wanted) {
        serve();
      }
    });
  });
});
client.on('error', (error) => {
  process.stderr.write(`agent: ${error.message}\n`);
});
client.on('close', () => process.exit(0));
client.connect({ host: '127.0.0.1', port: Number(port), username: 'bench', privateKey });
process.on('disconnect', () => process.exit(0));

function serve(): void {
  client.exec('serve', (error, channel) => {
    if (error !== undefined) {
      throw error;
    }
    const store = startProcess({
      command: 'nix-store',
      args: ['--serve', '--write'],
      env: process.env,
      deadlineMs: 600_000,
    });
    store.stderr.pipe(process.stderr);
    joinServeChannel(channel, store, 'none');
    channel.on('close', () => store.stop());
  });
}
