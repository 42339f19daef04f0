; Programs the processor's branch recording and checks what comes of it: records in registers, the trap on branches, records in
; memory, their interrupt. It ends by the exit device, with 0 or with the number of the check that failed.
;
; Given: LONG_MODE (64-bit mode), PAIR or PACKED or SOURCES and TARGETS (where records lie), TOS, DEPTH, LER, TRACE, INTERRUPT, NOT_SYSTEM
; (bits of the debug control register; 0: it has none), RESERVED (a bit that it has not), FIELD (bytes of a field in memory).

CONTROL         equ 1d9h
AREA            equ 600h
LBR             equ 1
BTF             equ 2
TF              equ 100h
BS              equ 4000h
RECORD          equ 3 * FIELD
DS_AREA         equ 20000h
BUFFER          equ 21000h
TABLES          equ 30000h      ; PML4, PDPT, PD of the first GiB, PD of the fourth
STACK           equ 40000h
IDT             equ 41000h
APIC            equ 0fee00000h
PMI             equ 40h

%if LONG_MODE
  %define A rax
  %define B rbx
  %define C rcx
  %define D rdx
  %define S rsp
  %define EDI_ rdi
  %define RETURN iretq
  W             equ 8
%else
  %define A eax
  %define B ebx
  %define C ecx
  %define D edx
  %define S esp
  %define EDI_ edi
  %define RETURN iretd
  W             equ 4
%endif

; Writes a model-specific register.
%macro msr 2
        mov ecx, %1
        mov eax, %2
        xor edx, edx
        wrmsr
%endmacro

; A check: the condition that must hold, and the check's number.
%macro must 2
        j%1 %%right
        mov al, %2
        jmp fail
%%right:
%endmacro

; The newest record but so many: from, to, number of the check.
%macro record 4
%if PAIR
  %if %1 = 0
        mov ecx, 1dbh
        rdmsr
        cmp eax, %2
        must e, %4
        mov ecx, 1dch
        rdmsr
        cmp eax, %3
        must e, %4
  %endif
%else
        mov ecx, TOS
        rdmsr
        sub eax, %1
        and eax, DEPTH - 1
        mov ebx, eax
  %if PACKED
        lea ecx, [B + 1dbh]
        rdmsr
        cmp eax, %2
        must e, %4
        cmp edx, %3
        must e, %4
  %else
        lea ecx, [B + SOURCES]
        rdmsr
        cmp eax, %2
        must e, %4
        lea ecx, [B + TARGETS]
        rdmsr
        cmp eax, %3
        must e, %4
  %endif
%endif
%endmacro

; A record in memory: its place, from, to, number of the check.
%macro stored 4
        cmp dword [BUFFER + %1 * RECORD], %2
        must e, %4
        cmp dword [BUFFER + %1 * RECORD + FIELD], %3
        must e, %4
  %if FIELD = 8
        cmp dword [BUFFER + %1 * RECORD + 4], 0
        must e, %4
  %endif
%endmacro

; The area in memory: records, place of the next one, the one that interrupts.
%macro area 3
        mov dword [DS_AREA], BUFFER
        mov dword [DS_AREA + FIELD], BUFFER + %2 * RECORD
        mov dword [DS_AREA + 2 * FIELD], BUFFER + %1 * RECORD + 1
        mov dword [DS_AREA + 3 * FIELD], BUFFER + %3 * RECORD
%endmacro

%macro next_is 2
        cmp dword [DS_AREA + FIELD], BUFFER + %1 * RECORD
        must e, %2
%endmacro

; Single steps from the second instruction behind on.
%macro step 0
        pushf
        or dword [S], TF
        popf
%endmacro

; The gate of a vector.
%macro gate 2
        mov ebx, %2
        mov word [IDT + %1 * 2 * W], bx
        mov word [IDT + %1 * 2 * W + 2], 8
        mov word [IDT + %1 * 2 * W + 4], 8e00h
        shr ebx, 16
        mov word [IDT + %1 * 2 * W + 6], bx
%endmacro

        bits 32
start:  mov esp, STACK
        cld
        mov edi, DS_AREA
        mov ecx, (IDT + 1000h - DS_AREA) / 4
        xor eax, eax
        rep stosd
%if LONG_MODE
        mov dword [TABLES], TABLES + 1003h
        mov dword [TABLES + 1000h], TABLES + 2003h
        mov dword [TABLES + 1018h], TABLES + 3003h
        mov dword [TABLES + 2000h], 83h
        mov dword [TABLES + 3000h + 503 * 8], 0fee00083h
        mov eax, cr4
        or al, 20h
        mov cr4, eax
        mov eax, TABLES
        mov cr3, eax
        mov ecx, 0c0000080h
        rdmsr
        or eax, 100h
        wrmsr
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
        lgdt [long_table]
        jmp 8:in_long
        align 8
long_gdt:
        dq 0, 00af9b000000ffffh, 00cf93000000ffffh
long_table:
        dw 23
        dd long_gdt
        bits 64
        default abs
in_long:
        mov rsp, STACK
%endif
        lidt [idt_pointer]
        gate 1, debug
        gate 6, invalid
        gate 13, protection
        gate PMI, full
        jmp last_branches

idt_pointer:
        dw 0fffh
        dd IDT, 0
traps:          dd 0            ; debug exceptions, and where the last one was
trap_at:        dd 0
trap_control:   dd 0
trap_status:    dd 0
keeps_stepping: dd 0
faults:         dd 0
interrupts:     dd 0

debug:  push A
        push C
        push D
        inc dword [traps]
        mov eax, [S + 3 * W]
        mov [trap_at], eax
        mov ecx, CONTROL
        rdmsr
        mov [trap_control], eax
        mov A, dr6
        mov [trap_status], eax
        xor eax, eax
        mov dr6, A
        cmp dword [keeps_stepping], 0
        jne .keep
        and dword [S + 5 * W], ~TF
.keep:  mov dword [keeps_stepping], 0
        pop D
        pop C
        pop A
        RETURN

invalid:
        add dword [S], 2
from_invalid:
        RETURN

protection:
        inc dword [faults]
        add S, W
        add dword [S], 2
        RETURN

full:   push A
        inc dword [interrupts]
        mov eax, APIC
        mov dword [A + 0b0h], 0
        pop A
        RETURN

fail:   out 0f4h, al
        hlt

; Records of branches in registers.
last_branches:
        msr CONTROL, LBR
jumping:
        jmp calling
calling:
        call returning
back:   msr CONTROL, 0
        record 0, returning, back, 1
        record 1, calling, returning, 2
        record 2, jumping, calling, 3
        jmp recorded_exceptions
returning:
        ret

; An exception behind a branch: two records, and the branch aside.
recorded_exceptions:
        msr CONTROL, LBR
to_invalid:
        jmp wrong
wrong:  ud2
behind: msr CONTROL, 0
        record 0, from_invalid, behind, 4
        record 1, wrong, invalid, 5
        record 2, to_invalid, wrong, 6
        mov ecx, LER
        rdmsr
        cmp eax, to_invalid
        must e, 7
        mov ecx, LER + 1
        rdmsr
        cmp eax, wrong
        must e, 8

; A debug exception ends recording, and is not recorded.
        msr CONTROL, LBR
before_trap:
        jmp trapping
trapping:
        step
        nop
trapped:
        nop
        cmp dword [traps], 1
        must e, 9
        cmp dword [trap_at], trapped
        must e, 10
        test dword [trap_control], LBR
        must z, 11
        test dword [trap_status], BS
        must nz, 12
        record 0, before_trap, trapping, 13

; The trap on branches: nothing but branches that are taken, and once.
        mov dword [traps], 0
        msr CONTROL, BTF
        step
        nop
        xor eax, eax
        jnz never
        nop
        jmp taken
never:  nop
taken:  nop
        cmp dword [traps], 1
        must e, 14
        cmp dword [trap_at], taken
        must e, 15
        test dword [trap_control], BTF
        must z, 16
        test dword [trap_status], BS
        must nz, 17

; Behind it, single steps are ordinary ones.
        mov dword [traps], 0
        mov dword [keeps_stepping], 1
        msr CONTROL, BTF
        step
        nop
        call stepped
        jmp steps_done
stepped:
        nop
one_step:
        ret
steps_done:
        cmp dword [traps], 2
        must e, 18
        cmp dword [trap_at], one_step
        must e, 19

; Without TF it does nothing, and stays.
        mov dword [traps], 0
        msr CONTROL, BTF
        jmp on
on:     mov ecx, CONTROL
        rdmsr
        cmp eax, BTF
        must e, 20
        cmp dword [traps], 0
        must e, 21

; Bits that are not there.
        mov ecx, CONTROL
        mov eax, RESERVED
        xor edx, edx
        wrmsr
        cmp dword [faults], 1
        must e, 22
        msr CONTROL, 0

%if TRACE
; Records in memory, in a ring.
        area 4, 0, 9
        msr AREA, DS_AREA
        msr CONTROL, TRACE
first:  jmp second
second: jmp third
third:  jmp fourth
fourth: jmp fifth
fifth:  jmp sixth
sixth:  msr CONTROL, 0
        next_is 1, 30
        stored 0, fifth, sixth, 31
        stored 1, second, third, 32
        stored 2, third, fourth, 33
        stored 3, fourth, fifth, 34

; Until it is full, with an interrupt on the way there.
        mov edi, APIC
        mov dword [EDI_ + 0f0h], 1ffh
        mov dword [EDI_ + 340h], PMI
        area 5, 0, 2
        sti
        msr CONTROL, TRACE | INTERRUPT
seventh:
        jmp eighth
eighth: jmp ninth
ninth:  nop
tenth:  jmp eleventh
eleventh:
        jmp twelfth
twelfth:
        msr CONTROL, 0
        cli
        cmp dword [interrupts], 1
        must e, 35
        next_is 5, 36
        stored 0, seventh, eighth, 37
        stored 1, eighth, ninth, 38
        stored 2, ninth, full, 39
        stored 4, tenth, eleventh, 40

; Not of this level.
  %if NOT_SYSTEM
        area 5, 0, 9
        msr CONTROL, TRACE | NOT_SYSTEM
        jmp unseen
unseen: msr CONTROL, 0
        next_is 0, 41
  %endif

; Without memory there: the program goes on, the records are lost.
        msr AREA, 0c0000000h
        msr CONTROL, TRACE
        jmp lost
lost:   msr CONTROL, 0
%endif
        mov al, 0
        jmp fail

        times 40 * 512 - ($ - $$) db 0
