/** RDTSC and RDTSCP in generated code, where every level may read the time-stamp counter (SDM vol. 3B §18.17). */
import { CR4_TSD } from '../../state/control-bits.ts';
import { internal, slot } from '../../state/layout.ts';
import type { SemanticsFunction } from '../instruction-row.ts';

/** The counter is virtual time moved by what software has set; `withProcessor`: and ECX gets IA32_TSC_AUX. */
export const readTimeStamp =
  (withProcessor: boolean): SemanticsFunction =>
  (s) => {
    const { f } = s;
    const cpu = s.cpuAddress();
    const isKept = s.and(f.load('i32', 32, cpu, slot.CR4), CR4_TSD);
    s.if(s.isZero(s.or(isKept, f.load('i32', 32, cpu, internal.BUDGET_BEHIND))), () => {
      const left = s.wideUnsigned(s.add(s.budgetBehind(), s.constant(1)));
      const now = s.sub(f.load('i64', 64, cpu, internal.TIME_END), left);
      const counter = f.copy(s.add(now, f.load('i64', 64, cpu, slot.TIME_STAMP_OFFSET)));
      s.writeRegister(slot.EAX, 32, s.low(counter));
      s.writeRegister(slot.EDX, 32, s.low(s.shrU(counter, 32)));
      if (withProcessor) s.writeRegister(slot.ECX, 32, f.load('i32', 32, cpu, slot.TSC_AUX));
      s.end();
    });
  };
