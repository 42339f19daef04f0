/**
 * Entry of the bench's program for this machine, `out/bench/our-machine.cjs`: a bundle like those that ship, so that the
 * bench starts what a user starts.
 */
import { adoptPreparedInterpreters } from '../../debug-adapter/adopt-interpreters.ts';
import { type Engine, type OurProcessor, runOurLinux, runOurMachine, type StopKind } from './our-machine.ts';

adoptPreparedInterpreters();
const [what, first = '', second = '', model, engine, processors] = process.argv.slice(2);
if (what === 'linux') runOurLinux(first, second, model as OurProcessor, engine as Engine);
else void runOurMachine(first, second as StopKind, model as OurProcessor, Number(processors), engine as Engine);
