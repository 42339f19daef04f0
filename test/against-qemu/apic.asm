; Programs the local APIC and the I/O APIC and says on port E9h what comes of it: interrupts to itself with their priorities,
; the timer, NMI, logical destinations, the PIT through the I/O APIC by edges and by a level.
bits 16
org 0x7c00
LOCAL equ 0xfee00000
IO equ 0xfec00000
IDT equ 0x2000

start:  cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7000
        mov ax, 0x0207
        mov bx, 0x7e00
        mov cx, 0x0002
        xor dh, dh
        int 0x13
        cli
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 8:protected

align 8
gdt:    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:   dw 23
        dd gdt
idtr:   dw 0x3ff
        dd IDT
times 510-($-$$) db 0
        dw 0xaa55

bits 32
%macro put 2                    ; a register of the local APIC
        mov dword [LOCAL + %1], %2
%endmacro
%macro route 2                  ; an entry of the redirection table
        mov dword [IO], %1
        mov dword [IO + 0x10], %2
%endmacro
%macro show 1                   ; a register of the local APIC, in hexadecimal
        mov eax, [LOCAL + %1]
        call hex
%endmacro
%macro letter 1
        mov al, %1
        out 0xe9, al
%endmacro
%macro await 1                  ; until so many interrupts have come
        mov dword [left], %1
        sti
%%wait: cmp dword [left], 0
        jg %%wait
        cli
        call line
%endmacro

protected:
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x7000
        mov edi, IDT
        mov eax, stubs
        mov ecx, 128
.gate:  mov ebx, eax
        and ebx, 0xffff
        or ebx, 0x00080000
        mov [edi], ebx
        mov dword [edi + 4], 0x8e00
        add edi, 8
        add eax, 8
        loop .gate
        lidt [idtr]
        mov al, 0xff
        out 0x21, al
        out 0xa1, al

        letter 'R'
        put 0xf0, 0x1ff
        put 0xe0, 0
        show 0xe0
        put 0xe0, 0xffffffff
        show 0xe0
        put 0xd0, 0x01000000
        show 0xd0
        show 0x20
        show 0xf0
        put 0x80, 0x57
        show 0x80
        show 0xa0
        put 0x80, 0
        call line

        letter 'I'              ; by priority
        put 0x300, 0x40042
        put 0x300, 0x40055
        put 0x300, 0x40033
        show 0x210
        show 0x220
        await 3
        letter 'T'              ; some wait for the task priority
        put 0x80, 0x50
        put 0x300, 0x40042
        put 0x300, 0x40066
        await 1
        show 0x220
        put 0x80, 0
        await 1
        letter 'L'              ; logical, all, all others
        put 0x310, 0x01000000
        put 0x300, 0x844
        put 0x310, 0x02000000
        put 0x300, 0x847
        put 0x300, 0x80048
        put 0x300, 0xc0049
        await 2
        letter 'N'
        mov dword [left], 1
        put 0x310, 0
        put 0x300, 0x400
.nmi:   cmp dword [left], 0
        jg .nmi
        call line
        letter 'D'              ; an INIT that is de-asserted does nothing, neither does a start-up message
        put 0x300, 0x8500
        put 0x300, 0x609
        call line

        letter 'O'
        put 0x3e0, 0xb
        put 0x320, 0x31
        put 0x380, 100000
        await 1
        show 0x390
        letter 'P'
        put 0x320, 0x20031
        put 0x380, 5000000
        await 4
        put 0x320, 0x30031
        put 0x380, 0
        show 0x390
        show 0x320
        call line

        letter 'E'              ; edges of the PIT
        route 0x15, 0
        route 0x14, 0x30
        mov al, 0x34
        out 0x43, al
        mov al, 0x00
        out 0x40, al
        mov al, 0x20
        out 0x40, al
        await 3
        route 0x14, 0x10030
        mov eax, [IO + 0x10]
        call hex
        letter 'V'              ; its level, until the handler masks it
        mov al, 0x30
        out 0x43, al
        mov al, 0x00
        out 0x40, al
        mov al, 0x10
        out 0x40, al
        route 0x14, 0x8032
        await 3
        mov dword [IO], 0x14
        mov eax, [IO + 0x10]
        call hex
        call line
        letter 'X'              ; nothing is left
        show 0x100
        show 0x110
        show 0x120
        show 0x130
        show 0x210
        show 0x220
        show 0xa0
        call line
        xor al, al
        out 0xf4, al
        hlt

align 8
stubs:
%assign n 0
%rep 128
        push byte n
        jmp taken
        align 8
%assign n n + 1
%endrep

taken: pushad
        mov ebx, [esp + 32]
        mov eax, ebx
        call hex
        show 0xa0
        mov eax, ebx
        shr eax, 5
        shl eax, 4
        mov eax, [LOCAL + 0x100 + eax]
        call hex
        dec dword [left]
        cmp ebx, 0x32
        jne .end
        mov dword [IO], 0x14
        mov eax, [IO + 0x10]
        call hex
        cmp dword [left], 0
        jg .end
        mov dword [IO + 0x10], 0x18032
.end:   cmp ebx, 2
        je .done
        put 0xb0, 0
.done:  popad
        add esp, 4
        iretd

hex:    pushad
        mov edx, eax
        mov ecx, 8
.digit: rol edx, 4
        mov al, dl
        and al, 15
        cmp al, 10
        sbb al, 0x69
        das
        out 0xe9, al
        loop .digit
        mov al, ' '
        out 0xe9, al
        popad
        ret

line:   push eax
        mov al, 10
        out 0xe9, al
        pop eax
        ret

align 4
left:   dd 0
times 8 * 512 - ($ - $$) db 0
