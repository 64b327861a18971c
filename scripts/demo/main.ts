process.stdout.write('hi ' + process.argv.slice(2) + ' ' + process.version + '\n');
