/** Products with a sum and one rounding on the lanes of vectors (SDM vol. 1 §14.5): the quick way, or lane by lane the exact one. */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { fusedDouble, fusedSingle } from './fused.ts';
import { returnIfQuick } from './quick-fused.ts';
import { doubles, type LaneFormat, Lanes, singles } from './lanes.ts';

/**
 * (address of the exceptions' word, vector of the other lanes, x, y, z, MXCSR, what is negated) → x·y + z. The lowest two
 * bits tell what is negated in even lanes, the two above in odd ones.
 */
const SIGNATURE = { parameters: ['i32', 'v128', 'v128', 'v128', 'v128', 'i32', 'i32'], result: 'v128' } as const;

function fusedOn(of: LaneFormat, count: number): SharedFunction {
  return {
    signature: SIGNATURE,
    write: (f) => {
      const [flagsAt, others, x, y, z, mxcsr, negated] = f.parameters as unknown as readonly [
        ...[Value, Value, Value, Value, Value, Value, Value],
      ];
      const lanes = new Lanes(f, of, count, { flagsAt, mxcsr });
      returnIfQuick(lanes, others, [x, y, z], negated);
      const result = f.variable(others);
      const environment = lanes.environment();
      for (let n = 0; n < count; n++) {
        const numbers = [lanes.lane(x, n), lanes.lane(y, n), lanes.lane(z, n)];
        const signs = lanes.and(lanes.shrU(negated, (n & 1) * 2), 3);
        const one = of.lanes === 4 ? fusedSingle : fusedDouble;
        lanes.setLane(result, n, f.callShared(one, flagsAt, ...numbers, environment, signs));
      }
      f.return(result);
    },
  };
}

export const fusedPackedSingles: SharedFunction = fusedOn(singles, 4);
export const fusedPackedDoubles: SharedFunction = fusedOn(doubles, 2);
export const fusedLowestSingle: SharedFunction = fusedOn(singles, 1);
export const fusedLowestDouble: SharedFunction = fusedOn(doubles, 1);
