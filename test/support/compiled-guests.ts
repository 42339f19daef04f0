/** Guests for tests of compiled code: source of boot sectors that run a loop, and end at `over`. */

/** Two loops, one in the other. */
export const HOT_LOOP = `start: xor ax,ax
mov ds,ax
mov ss,ax
mov sp,7c00h
mov bx,20
outer: mov cx,60000
again: add ax,[number]
dec cx
jnz again
dec bx
jnz outer
over: cli
hlt
number: dw 3`;

/** A call that goes over more pages than one region does: jumps that the guest writes, from 8000h on. */
export const LONG_WAY = `start: xor ax,ax
mov ds,ax
mov ss,ax
mov sp,7c00h
mov di,8000h
mov cx,6
write: mov byte [di],0e9h
mov word [di+1],0ffdh
add di,1000h
loop write
mov byte [di],0c3h
mov bx,40
outer: mov cx,10000
again: call 8000h
dec cx
jnz again
dec bx
jnz outer
over: cli
hlt`;
