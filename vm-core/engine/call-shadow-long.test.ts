/** Calls of 64-bit code. The guest needs the assembler nasm; without it the test is skipped. */
import { expect, it } from 'vitest';
import { assemble, hasNasm } from '../../test/support/boot-sectors.ts';
import { CR0_PE, EFER_LMA, EFER_LME } from '../state/control-bits.ts';
import { CS, slot } from '../state/layout.ts';
import { createBareMachine } from './bare-machine.ts';

const CODE = 0x10000;

it.skipIf(!hasNasm)('records calls of 64-bit code, on two stacks', () => {
  const source = `bits 64
    org ${CODE}
    mov rsp,7000h
    call f
    jmp $
    f: push rbp
    mov rbp,rsp
    sub rsp,100
    call [rel pointer]
    mov rsp,rbp
    pop rbp
    out 1,al
    ret
    g: out 2,al
    mov rax,rsp
    mov rsp,9000h
    call h
    mov rsp,rax
    out 3,al
    ret
    h: out 4,al
    ret
    align 8
    pointer: dq g`;
  // Without page tables: linear addresses are physical ones.
  const machine = createBareMachine(0x100000, undefined, 'x86-64-v2');
  const { state, callShadow, ports } = machine.processor;
  state.write32(slot.CR0, CR0_PE);
  state.write32(slot.EFER, EFER_LME | EFER_LMA);
  for (let index = 0; index < 6; index++) {
    state.setSegment(index, { selector: 8, base: 0, limit: 0xffffffff, attributes: index === CS ? 0xa9b : 0xc93 });
  }
  machine.map.copyIn(CODE, assemble(source));
  machine.processor.refresh();
  state.eip = CODE;
  callShadow.isOn = true;
  const found: Record<number, readonly (readonly number[])[]> = {};
  (ports as { write: typeof ports.write }).write = (port) => {
    found[port] = callShadow.calls().calls.map(({ slot: at, returnAddress, size }) => [at, returnAddress, size]);
  };
  machine.loop.run({ instructionsMax: 100 });
  const f = [0x6ff8, CODE + 10, 8];
  const g = [0x6ff0 - 100 - 8, CODE + 26, 8];
  expect(found[2]).toEqual([g, f]);
  expect(found[4]).toEqual([[0x8ff8, expect.any(Number), 8]]);
  expect(found[3]).toEqual([g, f]);
  expect(found[1]).toEqual([f]);
});
