/** Entry of the command line, `node dist/cli.js`. */
import { adoptPreparedInterpreters } from '../adopt-interpreters.ts';
import { runCommandLine } from './command-line.ts';

adoptPreparedInterpreters();
const { stdin, stdout, stderr } = process;
// A reader that goes away (`| head`) is no reason for a trace.
stdout.on('error', () => process.exit(1));
void runCommandLine(process.argv.slice(2), { stdin, stdout, stderr }).then((status) => {
  process.exitCode = status;
});
