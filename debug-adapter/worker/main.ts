/**
 * The worker's entry: one session with its machine, in a Web Worker or in a thread of Node. The two differ only in how
 * messages come and go and in what defers work; both are found through globals, so that one file serves both.
 */
import { createMachine } from '../../vm-core/index.ts';
import { adoptPreparedInterpreters } from '../adopt-interpreters.ts';
import { serveSession } from './serve-session.ts';
import { findPort, makeClock } from './surroundings.ts';

adoptPreparedInterpreters();
serveSession(findPort(), makeClock(), createMachine);
