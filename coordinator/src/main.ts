process.stdout.write('argunix\n');
