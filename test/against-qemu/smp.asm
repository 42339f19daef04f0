; Starts the other processors, has all of them count under a spin lock, and sends them interrupts and NMIs; what comes of it
; is said on port E9h. CPUS is how many there are.
bits 16
org 0x7c00
LOCAL equ 0xfee00000
IDT equ 0x2000
ROUNDS equ 500
%ifndef CPUS
%define CPUS 4
%endif

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
        mov byte [first], 1
enter:  xor ax, ax              ; the others come here, too
        mov ds, ax
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        and eax, 0x9fffffff
        mov cr0, eax
        jmp 8:protected

align 8
gdt:    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:   dw 23
        dd gdt
idtr:   dw 0x3ff
        dd IDT
first:  db 0
times 510-($-$$) db 0
        dw 0xaa55

bits 32
%macro put 2                    ; a register of the local APIC
        mov dword [LOCAL + %1], %2
%endmacro
%macro letter 1
        mov al, %1
        out 0xe9, al
%endmacro
%macro await 2                  ; until a counter has come to a value
%%wait: pause
        cmp dword [%1], %2
        jb %%wait
%endmacro

protected:
        mov ax, 16
        mov ds, ax
        mov es, ax
        mov ss, ax
        cmp byte [first], 1
        jne other
        mov byte [first], 0
        mov esp, 0x7000
        mov eax, handler
        mov edi, IDT + 0x40 * 8
        call gate
        mov eax, nonmaskable
        mov edi, IDT + 2 * 8
        call gate
        lidt [idtr]
        mov al, 0xff            ; the 8259s have nothing to say
        out 0x21, al
        out 0xa1, al
        put 0xf0, 0x1ff

        letter 'S'              ; a jump at the page of the start-up vector, 1000h
        mov byte [0x1000], 0xea
        mov word [0x1001], enter
        mov word [0x1003], 0
        put 0x300, 0xc4500
        call delay
        put 0x300, 0xc4601
        call delay
        put 0x300, 0xc4601      ; the second one is for processors that missed the first
        await running, CPUS - 1
        mov eax, [numbers]
        call hex

        letter 'L'              ; the lock
        mov dword [go], 1
        call count
        await done, CPUS
        mov eax, [total]
        call hex

        letter 'P'              ; an interrupt to each by its number
        mov ebx, 1
.each:  mov eax, ebx
        shl eax, 24
        mov [LOCAL + 0x310], eax
        put 0x300, 0x4040
.sent:  pause
        cmp [taken], ebx
        jb .sent
        inc ebx
        cmp ebx, CPUS
        jb .each
        mov eax, [whom]
        call hex

        letter 'B'              ; one to all others
        mov dword [taken], 0
        mov dword [whom], 0
        put 0x300, 0xc4040
        await taken, CPUS - 1
        mov eax, [whom]
        call hex

        letter 'G'              ; logical destinations: those with an even number
        mov dword [taken], 0
        mov dword [whom], 0
        put 0x310, 0x55000000
        put 0xd0, 0x01000000
        put 0x300, 0x4840
        sti
        await taken, (CPUS + 1) / 2
        cli
        mov eax, [whom]
        call hex

        letter 'N'              ; NMIs to all others
        put 0x300, 0xc4400
        await struck, CPUS - 1
        mov eax, [struck]
        call hex

        letter 'I'              ; INIT stops one of them: it takes no interrupts any more
        put 0x310, 0x01000000
        put 0x300, 0x4500
        call delay
        mov dword [taken], 0
        mov dword [whom], 0
        put 0x300, 0xc4040
        await taken, CPUS - 2
        call delay
        mov eax, [whom]
        call hex
        mov al, 10
        out 0xe9, al
        xor eax, eax
        out 0xf4, al
        jmp $

other:  lidt [idtr]
        put 0xf0, 0x1ff
        mov ecx, [LOCAL + 0x20]
        shr ecx, 24
        mov eax, 1
        shl eax, cl
        lock or [numbers], eax
        mov esp, ecx
        shl esp, 8
        add esp, 0x4000
        mov edx, 0x01000000     ; logical destination: bit n, with a mask of eight
        shl edx, cl
        mov [LOCAL + 0xd0], edx
        lock inc dword [running]
.wait:  pause
        cmp dword [go], 0
        je .wait
        call count
        sti
.sleep: hlt
        jmp .sleep

; ROUNDS times: takes the lock, counts without LOCK, gives it back.
count:  mov ecx, ROUNDS
.round: mov eax, 1
.try:   xchg eax, [spin]
        test eax, eax
        jz .mine
        pause
        jmp .round
.mine:  mov eax, [total]
        inc eax
        mov [total], eax
        mov dword [spin], 0
        loop .round
        lock inc dword [done]
        ret

handler: push eax
        push ecx
        mov ecx, [LOCAL + 0x20]
        shr ecx, 24
        mov eax, 1
        shl eax, cl
        lock or [whom], eax
        put 0xb0, 0
        lock inc dword [taken]
        pop ecx
        pop eax
        iretd

nonmaskable: lock inc dword [struck]
        iretd

gate:   movzx ebx, ax
        or ebx, 0x00080000
        mov [edi], ebx
        mov dword [edi + 4], 0x8e00
        ret

; Some milliseconds, by a port that is slow to answer in QEMU, too.
delay:  mov ecx, 20000
.one:   in al, 0x61
        pause
        loop .one
        ret

hex:    mov ecx, 8
.digit: rol eax, 4
        push eax
        and al, 15
        cmp al, 10
        sbb al, 0x69
        das
        out 0xe9, al
        pop eax
        loop .digit
        mov al, ' '
        out 0xe9, al
        ret

align 4
numbers: dd 0
running: dd 0
go:     dd 0
spin:   dd 0
total:  dd 0
done:   dd 0
taken:  dd 0
whom:   dd 0
struck: dd 0
times 0x1000-($-$$) db 0
