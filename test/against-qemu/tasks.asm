; A guest that switches tasks in all ways, with everything in the new task's state or descriptor made wrong in turn, and
; tells on port E9h what came of it: one line each. The same image runs here and on QEMU; the two texts must be equal.
; Exceptions are themselves tasks, so that a broken stack does not hide what broke it. Left out is what QEMU does otherwise
; than the manual: conforming code of another level than its selector says, EXT when a gate of an exception is missing, and
; #SS for a stack segment that is absent.

        bits 16
        org 7c00h

EXIT_PORT       equ 0f4h
TEXT_PORT       equ 0e9h
USER_IO         equ 3002h

CODE            equ 08h
DATA            equ 10h
MAIN            equ 58h
NEW             equ 60h
NEW_16          equ 68h
GATE            equ 70h
GATE_16         equ 78h
FIRST_HANDLER   equ 80h

        jmp 0:start

start:
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7000h
        cld
        mov ax, 0200h + SECTORS
        mov bx, 7e00h
        mov cx, 2
        xor dh, dh
        int 13h
        jc dead
        cli
        lgdt [gdtr]
        lidt [idtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp CODE:protected

dead:   mov al, 7fh
        out EXIT_PORT, al
        hlt

        times 510 - ($ - $$) db 0
        dw 0aa55h

        bits 32

; Descriptor: base, limit, access byte, flags.
%macro descriptor 4
        dw (%2) & 0ffffh, (%1) & 0ffffh
        db ((%1) >> 16) & 0ffh, %3, (%4) | (((%2) >> 16) & 0fh), (%1) >> 24
%endmacro
%macro gate 3
        dw (%2) & 0ffffh, %1
        db 0, %3
        dw (%2) >> 16
%endmacro

ORIGIN equ 7c00h
%define at(label) (ORIGIN + label - $$)

        align 8
gdt:    dq 0
        descriptor 0, 0fffffh, 9ah, 0c0h        ; 08 code
        descriptor 0, 0fffffh, 92h, 0c0h        ; 10 data
        descriptor 0, 0fffffh, 9eh, 0c0h        ; 18 conforming code
        descriptor 0, 0fffffh, 0fah, 0c0h       ; 20 code of level 3
        descriptor 0, 0fffffh, 0f2h, 0c0h       ; 28 data of level 3
        descriptor 0, 0fffffh, 1ah, 0c0h        ; 30 absent code
        descriptor 0, 0fffffh, 12h, 0c0h        ; 38 absent data
        descriptor 0, 0fffffh, 90h, 0c0h        ; 40 read-only data
        descriptor 0, 0fffffh, 98h, 0c0h        ; 48 code that cannot be read
        descriptor at(ldt), 15, 82h, 0          ; 50 LDT
        descriptor at(tss_main), 67h, 89h, 0    ; 58
        descriptor at(tss_new), 67h, 89h, 0     ; 60
        descriptor at(tss_new_16), 2bh, 81h, 0  ; 68
        gate NEW, 0, 85h                        ; 70
        gate NEW_16, 0, 85h                     ; 78
%assign n 8
%rep 7
        descriptor at(tss_handlers) + (n - 8) * 104, 67h, 89h, 0 ; 80 to B0: vectors 8 to 14
%assign n n + 1
%endrep
        descriptor 0, 0fffh, 96h, 040h          ; B8 expand-down data
        descriptor at(ldt), 15, 02h, 0          ; C0 absent LDT
        descriptor 0, 0fffh, 9ah, 040h          ; C8 small code
        descriptor 0, 0fffffh, 0feh, 0c0h       ; D0 conforming code of level 3
        dq 0                                    ; D8
gdt_end:
ldt:    descriptor 0, 0fffffh, 92h, 0c0h        ; 04 data
        descriptor 0, 0fffffh, 9ah, 0c0h        ; 0C code

gdtr:   dw gdt_end - gdt - 1
        dd at(gdt)
idtr:   dw 42h * 8 - 1
        dd at(idt)

        align 8
idt:
%assign n 0
%rep 42h
%if n >= 8 && n <= 14
        gate FIRST_HANDLER + (n - 8) * 8, 0, 85h
%elif n = 40h
        gate NEW, 0, 85h
%elif n = 41h || n = 20h
        gate CODE, at(back_at_level_0), 0eeh
%else
        dq 0
%endif
%assign n n + 1
%endrep

; A task-state segment: instruction pointer, stack, code, stack and data selectors.
%macro task 5
        dd 0, inner_stack, DATA, 0, 0, 0, 0, 0
        dd %1, USER_IO
        dd 0a0a0a0a0h, 0c1c1c1c1h, 0d2d2d2d2h, 0b3b3b3b3h, %2, 0b5b5b5b5h, 051515151h, 0d1d1d1d1h
        dd %5, %3, %4, %5, %5, %5, 0
        dw 0, 68h
%endmacro

new_image:
        task at(new_entry), new_stack, CODE, DATA, DATA
new_image_16:
        dw 0, inner_stack, DATA, 0, 0, 0, 0
        dw at(new_entry), USER_IO, 0a0a0h, 0c1c1h, 0d2d2h, 0b3b3h, new_stack, 0b5b5h, 05151h, 0d1d1h
        dw DATA, CODE, DATA, DATA, 0
tss_handlers:
%assign n 8
%rep 7
        task at(handler_%+n), handler_stack, CODE, DATA, DATA
%assign n n + 1
%endrep

inner_stack     equ 5000h
new_stack       equ 5800h
handler_stack   equ 6000h
main_stack      equ 7000h
tss_main        equ $$ - ORIGIN + 4000h
tss_new         equ $$ - ORIGIN + 4100h
tss_new_16      equ $$ - ORIGIN + 4200h
saved           equ 4300h

protected:
        mov ax, DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, main_stack
        mov dword [kind], 0
.kinds:
        ; Each selector of the new task's state in turn.
        mov esi, fields
.fields:
        mov edi, values
.values:
        push esi
        push edi
        cmp byte [esi], 50h
        jne .use
        cmp word [edi], 38h
        je .next_value
.use:
        call prepare
        movzx ebx, byte [esi]
        mov ax, [edi]
        movzx ecx, byte [esi + 1]
        mov [4100h + ebx], ax
        mov [4200h + ecx], ax
        call attempt
.next_value:
        pop edi
        pop esi
        add edi, 2
        cmp edi, values_end
        jb .values
        add esi, 2
        cmp esi, fields_end
        jb .fields
        ; Each access byte of a system descriptor for the new task, and some limits.
        xor esi, esi
.rights:
        push esi
        call prepare
        mov eax, esi
        mov [gdt + NEW + 5], al
        mov [gdt + NEW_16 + 5], al
        cmp dword [kind], 2
        jae .ask
        test al, 10h
        jnz .skip
.ask:   call attempt
.skip:  pop esi
        inc esi
        cmp esi, 256
        jb .rights
        mov esi, limits
.limits:
        push esi
        call prepare
        mov al, [esi]
        mov [gdt + NEW], al
        mov [gdt + NEW_16], al
        call attempt
        pop esi
        inc esi
        cmp esi, limits_end
        jb .limits
        ; Flags, and level 3.
        mov esi, flags
.flags: push esi
        call prepare
        mov eax, [esi]
        mov [4124h], eax
        mov [4210h], ax
        mov dword [414ch], 23h
        mov dword [4150h], 2bh
        mov word [4224h], 23h
        mov word [4226h], 2bh
        call attempt
        pop esi
        add esi, 4
        cmp esi, flags_end
        jb .flags
        ; Virtual-8086 mode: what its program may not do.
        mov esi, programs
.programs:
        push esi
        call prepare
        mov eax, [esi]
        mov [at(virtual_program)], eax
        mov eax, [esi + 4]
        mov [4124h], eax
        mov dword [4120h], 0
        mov dword [414ch], at(virtual_program) >> 4
        mov dword [4150h], 500h
        mov dword [4138h], 100h
        call attempt
        pop esi
        add esi, 8
        cmp esi, programs_end
        jb .programs
        inc dword [kind]
        cmp dword [kind], KINDS
        jb .kinds
        mov al, 'E'
        out TEXT_PORT, al
        mov al, 10
        out TEXT_PORT, al
        xor eax, eax
        out EXIT_PORT, al
        hlt

; New images of all tasks, the descriptors as they were, TR on the main task.
prepare:
        pushad
        mov esi, new_image
        mov edi, 4100h
        mov ecx, 26
        rep movsd
        mov esi, new_image_16
        mov edi, 4200h
        mov ecx, 11
        rep movsd
        mov edi, 4000h
        mov ecx, 26
        mov eax, 0eeeeeeeeh
        rep stosd
        mov dword [4060h], 0
        mov edi, saved
        mov ecx, 20
        rep stosd
        mov dword [gdt + NEW], (at(tss_new) << 16) | 67h
        mov dword [gdt + NEW + 4], 8900h
        mov dword [gdt + NEW_16], (at(tss_new_16) << 16) | 2bh
        mov dword [gdt + NEW_16 + 4], 8100h
        mov byte [gdt + MAIN + 5], 89h
        xor ebx, ebx
.handler:
        mov byte [gdt + FIRST_HANDLER + 5 + ebx], 89h
        add ebx, 8
        cmp ebx, 56
        jb .handler
        mov ax, MAIN
        ltr ax
        xor ax, ax
        lldt ax
        clts
        popad
        ret

; Does what `kind` says; comes back here whatever happens.
attempt:
        mov [resume_stack], esp
        mov ebx, [kind]
        mov eax, 01111111h
        mov ecx, 02222222h
        mov edx, 03333333h
        mov ebp, 04444444h
        mov esi, 05555555h
        mov edi, 06666666h
        push dword USER_IO | 0d5h
        popfd
        jmp [kinds + ebx * 4]
jump_task:
        jmp NEW:0
call_task:
        call NEW:0
        jmp returned
jump_gate:
        jmp GATE:0
call_gate:
        call GATE:0
        jmp returned
interrupt_gate:
        int 40h
        jmp returned
call_gate_16:
        call GATE_16:0
        jmp returned
return_task:
        mov word [4000h], NEW
        or byte [gdt + NEW + 5], 2
        push dword USER_IO | 4000h
        popfd
        iretd
kinds:  dd jump_task, call_task, jump_gate, call_gate, interrupt_gate, call_gate_16, return_task
KINDS   equ ($ - kinds) / 4

; The new task: keeps what it finds where SS can write, shows it, and goes back where it was called.
new_entry:
        mov [ss:saved], eax
        mov [ss:saved + 4], ecx
        mov [ss:saved + 8], edx
        mov [ss:saved + 12], ebx
        mov [ss:saved + 16], esp
        mov [ss:saved + 20], ebp
        mov [ss:saved + 24], esi
        mov [ss:saved + 28], edi
        mov esp, new_stack
        pushfd
        pop dword [ss:saved + 32]
        mov word [ss:saved + 36], cs
        mov word [ss:saved + 38], ss
        mov word [ss:saved + 40], ds
        mov word [ss:saved + 42], es
        mov word [ss:saved + 44], fs
        mov word [ss:saved + 46], gs
        str word [ss:saved + 48]
        sldt word [ss:saved + 50]
        smsw word [ss:saved + 52]
        mov ax, ss
        mov ds, ax
        mov es, ax
        mov al, 'N'
        call show
        mov ax, cs
        test al, 3
        jnz .level_3
        test byte [saved + 33], 40h
        jz .level_3
        iretd
.level_3:
        int 41h

; Level 0 of whatever task there is; also where interrupts of virtual-8086 programs lead.
back_at_level_0:
        mov ax, DATA
        mov ds, ax
        mov es, ax
        mov al, 'I'
        call show
        jmp resume

returned:
        mov [saved], eax
        pushfd
        pop dword [saved + 4]
        str word [saved + 8]
        smsw word [saved + 10]
        mov al, 'R'
        call show
resume:
        mov ax, DATA
        mov ss, ax
        mov esp, [ss:resume_stack]
        push dword USER_IO
        popfd
        ret

%assign n 8
%rep 7
handler_%+n:
        mov dword [vector], n
        mov ax, [tss_handlers + (n - 8) * 104]
        mov [saved + 60], ax
        pop dword [saved + 64]
        jmp handled
%assign n n + 1
%endrep
handled:
        mov al, 'F'
        call show
        mov eax, [vector]
        call put_double_word
        mov al, 10
        out TEXT_PORT, al
        jmp resume

; A line: a letter, what was kept, and both task-state segments as they lie in memory; the busy bits.
show:
        out TEXT_PORT, al
        mov eax, [kind]
        call put_double_word
        mov esi, saved
        mov ecx, 20
        call put_double_words
        mov esi, 4000h + 20h
        mov ecx, 16
        call put_double_words
        mov eax, [4000h]
        call put_double_word
        mov esi, 4100h
        mov ecx, 1
        call put_double_words
        mov esi, 4100h + 1ch
        mov ecx, 19
        call put_double_words
        mov esi, 4200h
        mov ecx, 11
        call put_double_words
        mov al, [gdt + MAIN + 5]
        shl eax, 8
        mov al, [gdt + NEW + 5]
        shl eax, 8
        mov al, [gdt + NEW_16 + 5]
        call put_double_word
        mov al, 10
        out TEXT_PORT, al
        ret

put_double_words:
        lodsd
        call put_double_word
        loop put_double_words
        ret

put_double_word:
        pushad
        mov ecx, 8
        mov ebx, eax
.next:  rol ebx, 4
        mov al, bl
        and al, 0fh
        cmp al, 10
        sbb al, 69h
        das
        out TEXT_PORT, al
        loop .next
        mov al, ' '
        out TEXT_PORT, al
        popad
        ret

        align 4
kind:   dd 0
vector: dd 0
resume_stack: dd 0
; Offsets of ES, CS, SS, DS, FS, GS and the LDT in a task-state segment of 32 bits and of 16.
fields: db 48h, 22h, 4ch, 24h, 50h, 26h, 54h, 28h, 58h, 2ch, 5ch, 2ch, 60h, 2ah
fields_end:
values: dw 0, 3, 08h, 0bh, 10h, 13h, 18h, 20h, 23h, 28h, 2bh, 30h, 38h, 40h, 48h, 50h, 54h, 58h, 60h, 70h
        dw 0b8h, 0c0h, 0c8h, 0d0h, 0d3h, 04h, 07h, 0ch, 0fh, 14h, 0d8h, 0e0h, 0fff8h
values_end:
limits: db 2ah, 2bh, 2ch, 66h, 67h, 68h
limits_end:
        align 4
flags:  dd USER_IO, USER_IO | 0d5h, USER_IO | 4000h, USER_IO | 8d5h, USER_IO | 400h
flags_end:
; Four bytes of code and the flags of a virtual-8086 program.
programs:
        dd 0f4h, 20002h
        dd 0f4h, 23002h
        dd 0fah, 20002h
        dd 0f4fah, 23002h
        dd 09ch, 20002h
        dd 09dh, 20002h
        dd 0cfh, 20002h
        dd 20cdh, 20002h
        dd 20cdh, 23002h
        dd 40cdh, 23002h
        dd 0f4f4cch, 23002h
        dd 0c0200fh, 23002h
        dd 060e4h, 23002h
programs_end:
        align 16
virtual_program:
        dd 0
        times 4 db 0f4h

        times 512 - (($ - $$) % 512) db 0
SECTORS equ ($ - $$) / 512 - 1
        times 2880 * 512 - ($ - $$) db 0
