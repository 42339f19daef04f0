; A guest that meets what the system part of an 80386 does, and tells what it saw on port E9h: one line for each attempt,
; with the vector that was raised, how far the saved instruction pointer lies behind the instruction, the error code and
; registers. The same image runs here and on QEMU; the two texts must be equal. It keeps off what QEMU leaves out: limit
; checks, accesses through a null selector, LTR with one.

        bits 16
        org 7c00h

EXIT_PORT       equ 0f4h
TEXT_PORT       equ 0e9h
NOTHING_RAISED  equ 0ffffh
DEFINED_FLAGS   equ 0cd5h

        jmp 0:start

; Runs one instruction that may raise an exception, and reports.
%macro attempt 2+
        mov word [name], %%name
        mov word [resume], %%after
        mov word [begin], %%here
        mov word [vector], NOTHING_RAISED
        mov word [saved_sp], sp
        jmp %%here
%%name: db %1, 0
%%here: %2
%%after:
        call report
%endmacro

start:
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7000h
        cld
        mov [drive], dl
        mov ax, 0200h + SECTORS
        mov bx, 7e00h
        mov cx, 2
        xor dh, dh
        int 13h
        jc dead
        cli
        jmp real_mode

dead:   mov al, 'X'
        out TEXT_PORT, al
        mov al, 7fh
        out EXIT_PORT, al
        hlt

; Writes the byte in AL.
put:    out TEXT_PORT, al
        ret

; Writes AX as four digits.
put_word:
        push cx
        mov cx, 4
.next:  rol ax, 4
        push ax
        and al, 0fh
        cmp al, 10
        sbb al, 69h
        das
        call put
        pop ax
        loop .next
        pop cx
        ret

put_text:
        lodsb
        test al, al
        jz .done
        call put
        jmp put_text
.done:  ret

; The line of one attempt: name, vector, instruction pointer, AX BX CX DX, defined flags.
report:
        pushf
        push si
        push dx
        push cx
        push bx
        push ax
        mov si, [name]
        call put_text
        mov al, ' '
        call put
        mov ax, [vector]
        call put_word
        mov al, ' '
        call put
        mov ax, [saved_ip]
        sub ax, [begin]
        cmp word [vector], NOTHING_RAISED
        jne .raised
        xor ax, ax
.raised:
        call put_word
        mov cx, 4
.register:
        mov al, ' '
        call put
        pop ax
        call put_word
        loop .register
        pop si
        mov al, ' '
        call put
        pop ax
        and ax, DEFINED_FLAGS
        call put_word
        mov al, 10
        call put
        ret

vector:         dw 0
name:           dw 0
resume:         dw 0
begin:          dw 0
saved_sp:       dw 0
saved_ip:       dw 0
drive:          db 0

        times 510 - ($ - $$) db 0
        dw 0aa55h

; A handler for each vector.
%assign n 0
%rep 16
real_handler_%+n:
        mov word [cs:vector], n
        jmp real_caught
%assign n n + 1
%endrep

; Goes on behind the attempt with the registers as they were and the flags as they were pushed, but for TF.
real_caught:
        pop word [cs:saved_ip]
        pop word [cs:scratch]
        pop word [cs:scratch]
        and byte [cs:scratch + 1], ~1
        push word [cs:scratch]
        popf
        mov sp, [cs:saved_sp]
        jmp [cs:resume]

scratch: dw 0

real_mode:
%assign n 0
%rep 16
        mov word [n * 4], real_handler_%+n
        mov word [n * 4 + 2], 0
%assign n n + 1
%endrep
        mov bx, 0
        mov cx, 1
        mov dx, 2
        mov ax, 1234h
        xor bl, bl
        attempt 'DIV by 0', div bl
        mov ax, 8000h
        mov bl, 0ffh
        xor dx, dx
        attempt 'IDIV too large', idiv bl
        mov ax, 0ff80h
        mov bl, 1
        attempt 'IDIV -128', idiv bl
        mov ax, 0102h
        attempt 'AAM 0', aam 0
        mov ax, 7fffh
        add ax, 1
        attempt 'INTO', into
        mov ax, 1
        add ax, 1
        attempt 'INTO without OF', into
        attempt 'INT3', int3
        attempt 'INT 3', db 0cdh, 3
        mov ax, 9
        attempt 'BOUND outside', bound ax, [bounds]
        mov ax, 5
        attempt 'BOUND inside', bound ax, [bounds]
        attempt 'UD2', db 0fh, 0bh
        attempt 'LOCK NOP', db 0f0h, 90h
        attempt 'LOCK CMP', db 0f0h, 39h, 07h
        attempt 'MOV CS', db 8eh, 0c8h
        attempt 'LEA of a register', db 8dh, 0c0h
        attempt 'LES of a register', db 0c4h, 0c0h
        attempt 'SLDT', db 0fh, 0, 0c0h
        attempt 'LTR', db 0fh, 0, 0d8h
        attempt 'ARPL', db 63h, 0c0h
        attempt 'LAR', db 0fh, 02h, 0c0h
        attempt 'MOV to CR1', db 0fh, 22h, 0c8h
        attempt 'FF /7', db 0ffh, 0f8h
        attempt 'FE /2', db 0feh, 0d0h

        ; Single step: the trap comes after the instruction behind POPF.
        push word 0100h
        attempt 'POPF with TF, NOP behind', db 9dh, 90h, 90h
        pop dx

        ; Stack frames and far transfers in 16 and 32 bits.
        mov bp, 1111h
        mov ax, sp
        attempt 'ENTER 4, 0', enter 4, 0
        sub ax, sp
        attempt 'after ENTER', nop
        attempt 'LEAVE', leave
        mov bx, sp
        attempt 'CALL FAR', call 0:far_return
        sub bx, sp
        attempt 'after RETF', nop
        mov bx, sp
        attempt 'CALL FAR 32', call dword 0:far_return_32
        sub bx, sp
        attempt 'after RETFD', nop
        mov bx, sp
        pushfd
        push dword 0
        push dword .iretd_target
        iretd
.iretd_target:
        sub bx, sp
        attempt 'after IRETD', nop
        mov ax, 1111h
        mov bx, 2222h
        mov cx, 3333h
        mov dx, 4444h
        attempt 'PUSHAD', {pushad}
        mov ax, [esp + 28]
        mov bx, [esp + 16]
        attempt 'in PUSHAD', nop
        add sp, 32
        jmp protected_mode

bounds: dw 2, 7

far_return:
        retf
far_return_32:
        o32 retf

        align 8
gdt:    dq 0
CODE32  equ $ - gdt
        dq 00cf9b000000ffffh
DATA32  equ $ - gdt
        dq 00cf93000000ffffh
CODE16  equ $ - gdt
        dq 00009b000000ffffh
DATA16  equ $ - gdt
        dq 000093000000ffffh
ABSENT_DATA equ $ - gdt
        dq 00cf13000000ffffh
ABSENT_CODE equ $ - gdt
        dq 00cf1b000000ffffh
EXECUTE_ONLY equ $ - gdt
        dq 00cf99000000ffffh
READ_ONLY equ $ - gdt
        dq 00cf91000000ffffh
CONFORMING equ $ - gdt
        dq 00cf9f000000ffffh
EXPAND_DOWN equ $ - gdt
        dq 00c097000000ffffh
NEW_DATA equ $ - gdt
        dq 000092123456789ah
TASK    equ $ - gdt
        dw 103, task_state, 8900h, 0
GATE    equ $ - gdt
        dw gate_target, CODE32, 8c00h, 0
GATE_ABSENT equ $ - gdt
        dw gate_target, CODE32, 0c00h, 0
USER_CODE equ ($ - gdt) + 3
        dq 00cffb000000ffffh
USER_DATA equ ($ - gdt) + 3
        dq 00cff3000000ffffh
USER_GATE equ ($ - gdt) + 3
        dw user_gate_target, CODE32, 0ec01h, 0
BEYOND  equ $ - gdt
gdt_end:
gdt_register:
        dw gdt_end - gdt - 1
        dd gdt
idt_register:
        dw 32 * 8 - 1
        dd idt
real_idt_register:
        dw 3ffh
        dd 0

protected_mode:
        cli
        lgdt [gdt_register]
        lidt [idt_register]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword CODE32:protected_start

        bits 32

%macro attempt32 2+
        mov dword [name32], %%name
        mov dword [resume32], %%after
        mov dword [begin32], %%here
        mov dword [vector32], NOTHING_RAISED
        mov dword [error32], 0
        mov dword [saved_esp], esp
        jmp %%here
%%name: db %1, 0
%%here: %2
%%after:
        call report32
%endmacro

put32:  out TEXT_PORT, al
        ret

put_dword:
        mov ecx, 8
.next:  rol eax, 4
        push eax
        and al, 0fh
        cmp al, 10
        sbb al, 69h
        das
        call put32
        pop eax
        loop .next
        mov al, ' '
        jmp put32

; The line of one attempt: name, vector, error code, instruction pointer, EAX EBX, ZF.
report32:
        pushfd
        pushad
        mov esi, [name32]
.letter:
        lodsb
        test al, al
        jz .named
        call put32
        jmp .letter
.named: mov al, ' '
        call put32
        mov eax, [vector32]
        call put_dword
        mov eax, [error32]
        call put_dword
        xor eax, eax
        cmp dword [vector32], NOTHING_RAISED
        je .no_address
        mov eax, [saved_eip]
        sub eax, [begin32]
.no_address:
        call put_dword
        mov eax, [esp + 28]
        call put_dword
        mov eax, [esp + 16]
        call put_dword
        mov eax, [esp + 32]
        and eax, 40h
        call put_dword
        mov al, 10
        call put32
        popad
        popfd
        ret

vector32:       dd 0
error32:        dd 0
name32:         dd 0
resume32:       dd 0
begin32:        dd 0
saved_esp:      dd 0
saved_eip:      dd 0
seen_cs:        dd 0

; Handlers: those of 8 and 10 to 14 find an error code.
%assign n 0
%rep 32
handler32_%+n:
%if n = 8 || (n >= 10 && n <= 14)
        pop dword [ss:error32]
%endif
        mov dword [ss:vector32], n
        jmp caught32
%assign n n + 1
%endrep

; Goes on behind the attempt in ring 0, whatever ring it was in, with flat segments.
caught32:
        pop dword [ss:saved_eip]
        pop dword [ss:seen_cs]
        mov esp, [ss:saved_esp]
        push eax
        mov ax, DATA32
        mov ds, ax
        mov es, ax
        pop eax
        jmp [resume32]

protected_start:
        mov ax, DATA32
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 7000h
        call fill_idt
        mov eax, 11111111h
        mov ebx, 22222222h

        xor ebx, ebx
        attempt32 'DIV by EBX', div ebx
        attempt32 'INT3', int3
        attempt32 'UD2', db 0fh, 0bh
        attempt32 'INT beyond the table', int 80h
        attempt32 'INT of an absent gate', int 30

        mov ax, ABSENT_DATA
        attempt32 'DS absent', mov ds, ax
        attempt32 'SS absent', mov ss, ax
        mov ax, BEYOND
        attempt32 'DS beyond the table', mov ds, ax
        attempt32 'FS beyond the table', mov fs, ax
        attempt32 'SS beyond the table', mov ss, ax
        mov ax, EXECUTE_ONLY
        attempt32 'ES execute-only', mov es, ax
        mov ax, READ_ONLY
        attempt32 'SS read-only', mov ss, ax
        attempt32 'GS read-only', mov gs, ax
        xor eax, eax
        attempt32 'SS null', mov ss, ax
        attempt32 'FS null', mov fs, ax
        mov ax, DATA32 + 1
        attempt32 'SS of another ring', mov ss, ax
        mov ax, DATA32 + 4
        attempt32 'DS from no local table', mov ds, ax
        mov ax, TASK
        attempt32 'DS of a task', mov ds, ax

        attempt32 'JMP to data', jmp DATA32:0
        attempt32 'JMP to absent code', jmp ABSENT_CODE:0
        attempt32 'JMP to null', jmp 0:0
        attempt32 'JMP beyond', jmp BEYOND:0
        attempt32 'CALL to data', call DATA32:0
        attempt32 'CALL to an absent gate', call GATE_ABSENT:0
        mov ebx, esp
        attempt32 'CALL through a gate', call GATE:12345678h
        sub ebx, esp
        attempt32 'after the gate', nop
        attempt32 'CALL to conforming code', call CONFORMING:gate_target

        mov ax, NEW_DATA
        movzx eax, byte [gdt + NEW_DATA + 5]
        attempt32 'access byte before', nop
        mov ax, NEW_DATA
        mov gs, ax
        movzx eax, byte [gdt + NEW_DATA + 5]
        attempt32 'access byte after', nop

%macro inspect 2
        mov ebx, %2
        mov eax, 0deadbeefh
        attempt32 {%1, ': LAR'}, lar eax, ebx
        mov eax, 0deadbeefh
        attempt32 {%1, ': LSL'}, lsl eax, ebx
        attempt32 {%1, ': VERR'}, verr bx
        attempt32 {%1, ': VERW'}, verw bx
%endmacro
        inspect 'null', 0
        inspect 'code', CODE32
        inspect 'data', DATA32
        inspect 'byte-granular', NEW_DATA
        inspect 'absent', ABSENT_DATA
        inspect 'execute-only', EXECUTE_ONLY
        inspect 'read-only', READ_ONLY
        inspect 'conforming', CONFORMING
        inspect 'expand-down', EXPAND_DOWN
        inspect 'task', TASK
        inspect 'gate', GATE
        inspect 'beyond', BEYOND
        inspect 'another ring', DATA32 + 3

        mov eax, 0003h
        mov ebx, 0004h
        attempt32 'ARPL raises', arpl bx, ax
        attempt32 'ARPL leaves', arpl bx, ax

        mov ax, DATA32
        attempt32 'LTR of data', ltr ax
        mov ax, TASK
        attempt32 'LTR', ltr ax
        attempt32 'LTR of a busy task', ltr ax
        xor eax, eax
        attempt32 'STR', str eax
        movzx eax, byte [gdt + TASK + 5]
        attempt32 'busy', nop
        mov ax, DATA32
        attempt32 'LLDT of data', lldt ax
        xor eax, eax
        attempt32 'LLDT of null', lldt ax
        smsw ax
        and eax, 0fh
        attempt32 'SMSW', nop

        ; Ring 3: what it may not do, and the two ways up.
        mov dword [task_state + 4], 6f00h
        mov dword [task_state + 8], DATA32

%macro in_ring_3 2+
        mov dword [name32], %%name
        mov dword [resume32], %%after
        mov dword [begin32], %%here
        mov dword [vector32], NOTHING_RAISED
        mov dword [error32], 0
        mov dword [saved_esp], esp
        push dword USER_DATA
        push dword 6e00h
        push dword 2
        push dword USER_CODE
        push dword %%here
        iretd
%%name: db %1, 0
%%here: %2
        int 31
%%after:
        call report32
%endmacro
        mov eax, 1
        in_ring_3 'HLT', hlt
        in_ring_3 'CLI', cli
        mov al, 0a5h
        out 21h, al
        in_ring_3 'IN that the map allows', in al, 21h
        mov word [task_state + 102], 104
        in_ring_3 'IN without a map', in al, 21h
        in_ring_3 'MOV from CR0', mov eax, cr0
        in_ring_3 'LGDT', lgdt [gdt_register]
        in_ring_3 'CLTS', clts
        in_ring_3 'INT of a ring-0 gate', int 5
        in_ring_3 'DS of ring 0', mov eax, DATA32
        in_ring_3 'MOV DS of ring 0', {db 0b8h, DATA32, 0, 0, 0, 8eh, 0d8h}
        in_ring_3 'SS of ring 0', {db 0b8h, DATA32, 0, 0, 0, 8eh, 0d0h}
        in_ring_3 'CALL to ring-0 code', call CODE32:gate_target
        in_ring_3 'CALL to a ring-0 gate', call GATE:0
        in_ring_3 'CALL to conforming code', call CONFORMING:gate_target
        in_ring_3 'CALL through its gate', {db 6ah, 55h, 9ah, 0, 0, 0, 0, USER_GATE & 0ffh, USER_GATE >> 8}
        in_ring_3 'POPF leaves IF and IOPL', {db 68h, 0d7h, 3ah, 0, 0, 9dh, 9ch, 58h}

        ; And back.
        jmp CODE16:.to_real
        bits 16
.to_real:
        mov ax, DATA16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
        mov eax, cr0
        and al, ~1
        mov cr0, eax
        jmp 0:.real
.real:
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7000h
        lidt [real_idt_register]
        mov ax, 7
        xor bx, bx
        xor cx, cx
        xor dx, dx
        attempt 'back in real mode', int3
        xor al, al
        out EXIT_PORT, al
        hlt

        bits 32
gate_target:
        retf

; Called with one parameter from ring 3: gives back it and the ring it came from, and goes on in ring 0.
user_gate_target:
        mov ebx, [esp + 8]
        shl ebx, 8
        mov bl, [esp + 4]
        mov dword [ss:vector32], 77h
        mov esp, [ss:saved_esp]
        mov ax, DATA32
        mov ds, ax
        mov es, ax
        jmp [resume32]

; Gates of all vectors: 3 and 31 for every ring, 30 absent.
fill_idt:
        xor ecx, ecx
.next:  mov eax, [handlers + ecx * 4]
        mov [idt + ecx * 8], ax
        mov word [idt + ecx * 8 + 2], CODE32
        mov word [idt + ecx * 8 + 4], 8e00h
        shr eax, 16
        mov [idt + ecx * 8 + 6], ax
        inc ecx
        cmp ecx, 32
        jb .next
        mov byte [idt + 3 * 8 + 5], 0eeh
        mov byte [idt + 31 * 8 + 5], 0eeh
        mov byte [idt + 30 * 8 + 5], 0eh
        ret

handlers:
%assign n 0
%rep 32
        dd handler32_%+n
%assign n n + 1
%endrep

        align 8
idt:    times 32 dq 0
task_state:
        times 104 db 0

        times 512 - (($ - $$) % 512) db 0
SECTORS equ ($ - $$) / 512 - 1
        times 2880 * 512 - ($ - $$) db 0
