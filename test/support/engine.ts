/** X86_VM_ENGINE in the environment names the engine of all machines of a run of the tests; default: what they would have. */
import { type Engine, defaultEngine } from '../../vm-core/engine/compiler/tiers.ts';

const wanted = process.env['X86_VM_ENGINE'];
if (wanted !== undefined) defaultEngine.name = wanted as Engine;
