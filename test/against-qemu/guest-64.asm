; A guest that goes from real mode through protected mode to long mode and meets there what the system part of an x86-64
; processor does. It tells what it saw on port E9h: one line for each attempt, with the vector that was raised, how far the
; saved instruction pointer lies behind the instruction, the error code, and registers. The same image runs here and on
; QEMU; the two texts must be equal. What QEMU is known not to do (canonical checks of targets and gates, reserved bits of
; control registers, null selectors, error codes of gates) is there with BEYOND_QEMU only; the manual rules there.

        bits 16
        org 7c00h

EXIT_PORT       equ 0f4h
TEXT_PORT       equ 0e9h
EFER            equ 0c0000080h
STAR            equ 0c0000081h
LSTAR           equ 0c0000082h
FMASK           equ 0c0000084h
FS_BASE         equ 0c0000100h
GS_BASE         equ 0c0000101h
KERNEL_GS_BASE  equ 0c0000102h

TABLES          equ 10000h      ; PML4, PDPT, PD, PDPT of the high half
STACK           equ 70000h
USER_STACK      equ 60000h
FAULT_STACK     equ 50000h
INNER_STACK     equ 40000h
HIGH            equ 0ffff800000000000h
TOP             equ 0ffffffff80000000h
HOLE            equ 0000800000000000h

CODE_32         equ 08h
DATA            equ 10h
CODE_64         equ 18h
USER_32         equ 20h | 3
USER_DATA       equ 28h | 3
USER_64         equ 30h | 3
TASK            equ 38h         ; two places
LOCAL           equ 48h         ; two places
GATE            equ 58h         ; two places
BOTH_SIZES      equ 68h
CODE_16         equ 70h
DATA_16         equ 78h
LAST_HALF       equ 80h         ; a system descriptor that has only its first half in the table

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
        in al, 92h
        or al, 2
        out 92h, al
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword CODE_32:protected

dead:   mov al, 'X'
        out TEXT_PORT, al
        mov al, 7fh
        out EXIT_PORT, al
        hlt

        times 510 - ($ - $$) db 0
        dw 0aa55h

        bits 32
protected:
        mov ax, DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, STACK
        mov edi, TABLES
        mov ecx, 5 * 1024
        xor eax, eax
        rep stosd
        ; Low 16 MiB to themselves, for everybody; the same from HIGH and from TOP.
        mov dword [TABLES], TABLES + 1007h
        mov dword [TABLES + 256 * 8], TABLES + 1007h
        mov dword [TABLES + 511 * 8], TABLES + 3007h
        mov dword [TABLES + 1000h], TABLES + 2007h
        mov dword [TABLES + 3000h + 510 * 8], TABLES + 2007h
        mov edi, TABLES + 2000h
        mov eax, 87h
        mov ecx, 8
.next:  mov [edi], eax
        add eax, 200000h
        add edi, 8
        loop .next
        ; One page for the kernel alone, one that is only read.
        mov dword [TABLES + 2000h + 6 * 8], 0c00083h
        mov dword [TABLES + 2000h + 7 * 8], 0e00085h
        mov eax, cr4
        or eax, 20h
        mov cr4, eax
        mov eax, TABLES
        mov cr3, eax
        mov ecx, EFER
        rdmsr
        or eax, 101h
        wrmsr
        mov eax, cr0
        or eax, 80010000h
        mov cr0, eax
        mov ecx, EFER
        rdmsr
        mov [efer], eax
        jmp CODE_64:long_mode

        bits 64
        default abs

%macro say 1+
        jmp %%go
%%text: db %1, 0
%%go:   lea rsi, [%%text]
        call put_text
%endmacro

; Runs the instructions up to `done`, which may raise an exception, and reports. RAX is 0 before and shown after.
%macro attempt 1
%push attempt
        jmp %$go
%$name: db %1, 0
%$go:   mov qword [name], %$name
        mov qword [resume], %$after
        mov qword [begin], %$here
        mov qword [vector], -1
        mov [saved_rsp], rsp
        xor eax, eax
%$here:
%define user 0
%endmacro

%macro done 0
%if user
        ud2
%$go:   mov qword [name], %$name
        mov qword [resume], %$after
        mov qword [begin], %$here
        mov qword [vector], -1
        mov [saved_rsp], rsp
        push USER_DATA
        push USER_STACK
        push 2
        push USER_64
        push %$here
        xor eax, eax
        iretq
%endif
%$after:
        call report
%pop
%endmacro

; The same for code at privilege level 3, which is entered by IRETQ and left by an exception, at the latest by UD2.
%macro attempt_user 1
%push attempt
        jmp %$go
%$name: db %1, 0
%$here:
%define user 1
%endmacro

long_mode:
        mov rsp, STACK
        xor eax, eax
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        say 'EFER '
        mov eax, [efer]
        call put_quad
        call end_line
        call fill_idt
        lidt [idt_pointer]
        mov ax, TASK
        ltr ax
        jmp attempts

put_text:
        lodsb
        test al, al
        jz .done
        out TEXT_PORT, al
        jmp put_text
.done:  ret

; RAX as sixteen digits.
put_quad:
        push rcx
        push rdx
        mov rdx, rax
        mov ecx, 16
.next:  rol rdx, 4
        mov al, dl
        and al, 0fh
        cmp al, 10
        jb .digit
        add al, 'A' - '0' - 10
.digit: add al, '0'
        out TEXT_PORT, al
        loop .next
        pop rdx
        pop rcx
        ret

end_line:
        push rax
        mov al, 10
        out TEXT_PORT, al
        pop rax
        ret

space:  push rax
        mov al, ' '
        out TEXT_PORT, al
        pop rax
        ret

report:
        push rax
        push rsi
        mov rsi, [name]
        call put_text
        call space
        mov rax, [rsp + 8]
        call put_quad
        cmp qword [vector], -1
        je .nothing
        say ' vector '
        mov rax, [vector]
        call put_quad
        say ' at '
        mov rax, [fault_rip]
        sub rax, [begin]
        call put_quad
        say ' error '
        mov rax, [error]
        call put_quad
        say ' CS SS '
        mov rax, [fault_cs]
        call put_quad
        call space
        mov rax, [fault_ss]
        call put_quad
        say ' stack '
        mov rax, [handler_rsp]
        call put_quad
        cmp qword [vector], 14
        jne .nothing
        say ' CR2 '
        mov rax, cr2
        call put_quad
.nothing:
        call end_line
        pop rsi
        pop rax
        ret

; Each vector: what has no error code pushes 0, then the vector.
        align 16
%assign n 0
%rep 64
entry_ %+ n:
%if n != 8 && n != 10 && n != 11 && n != 12 && n != 13 && n != 14 && n != 17 && n != 21
        push qword 0
%endif
        push qword n
        jmp fault_in
        align 16
%assign n n + 1
%endrep

fault_in: push rax
        mov rax, [rsp + 8]
        mov [vector], rax
        mov rax, [rsp + 16]
        mov [error], rax
        mov rax, [rsp + 24]
        mov [fault_rip], rax
        mov rax, [rsp + 32]
        mov [fault_cs], rax
        mov rax, [rsp + 56]
        mov [fault_ss], rax
        lea rax, [rsp + 24]
        mov [handler_rsp], rax
        mov rax, [resume]
        mov [rsp + 24], rax
        mov qword [rsp + 32], CODE_64
        and qword [rsp + 40], ~700h
        mov rax, [saved_rsp]
        mov [rsp + 48], rax
        mov qword [rsp + 56], 0
        pop rax
        add rsp, 16
        iretq

fill_idt:
        mov rdi, idt
        mov rax, entry_0
        mov ecx, 64
.next:  mov [rdi], ax
        mov word [rdi + 2], CODE_64
        mov word [rdi + 4], 8e00h
        mov rdx, rax
        shr rdx, 16
        mov [rdi + 6], dx
        shr rdx, 16
        mov [rdi + 8], edx
        add rdi, 16
        add rax, entry_1 - entry_0
        loop .next
        ; Vector 3 and 32 are for everybody; 8, 12 and 33 have a stack of their own; 34 is absent; 35 leads to 32-bit code; 36 is high.
        mov byte [idt + 3 * 16 + 5], 0eeh
        mov byte [idt + 32 * 16 + 5], 0eeh
        mov byte [idt + 33 * 16 + 4], 1
        mov byte [idt + 8 * 16 + 4], 1
        mov byte [idt + 12 * 16 + 4], 1
        mov byte [idt + 33 * 16 + 5], 0eeh
        mov byte [idt + 34 * 16 + 5], 0eh
        mov word [idt + 35 * 16 + 2], CODE_32
        mov rax, HIGH >> 32
        mov [idt + 36 * 16 + 8], eax
        mov rax, HOLE >> 32
        mov [idt + 37 * 16 + 8], eax
        mov byte [idt + 38 * 16 + 5], 85h
        ret

wrmsr_64:                       ; RAX to MSR ECX
        push rdx
        mov rdx, rax
        shr rdx, 32
        wrmsr
        pop rdx
        ret

attempts:
        attempt 'nothing'
        nop
        done
        attempt 'DIV by zero'
        xor ecx, ecx
        div rcx
        done
        attempt 'UD2'
        ud2
        done
        attempt 'INT3'
        int3
        done
        attempt 'INT 32'
        int 32
        done
        attempt 'INT 33 with a stack of its own'
        int 33
        done
%ifdef BEYOND_QEMU
        attempt 'INT 34, which is absent'
        int 34
        done
%endif
        attempt 'INT 35 to 32-bit code'
        int 35
        done
        attempt 'INT 36 in the high half'
        int 36
        done
%ifdef BEYOND_QEMU
        attempt 'INT 37 in the canonical hole'
        int 37
        done
        attempt 'INT 38, a task gate'
        int 38
        done
        attempt 'INT 64, beyond the table'
        int 64
        done
%endif
        push rcx
        attempt 'INT 32 on a stack that is not aligned'
        int 32
        done
        pop rcx
        attempt 'load from the canonical hole'
        mov rcx, HOLE
        mov rax, [rcx]
        done
%ifdef BEYOND_QEMU
        attempt 'load up to the canonical hole'
        mov rcx, HOLE - 4
        mov rax, [rcx]
        done
        attempt 'load through RBP from the canonical hole'
        mov rbp, HOLE
        mov rax, [rbp]
        done
        attempt 'push in the canonical hole'
        mov rsp, HOLE + 8
        push rax
        done
%endif
        attempt 'load that is not mapped'
        mov rcx, 1000000h
        mov rax, [rcx]
        done
        attempt 'store that is not mapped, high'
        mov rcx, HIGH + 1000000h
        mov [rcx], rax
        done
        attempt 'store to a page that is only read'
        mov qword [0e00000h], 1
        done
        attempt 'store across the end of what is mapped'
        mov rcx, 0fffffeh + 2 - 4
        mov qword [rcx], 1
        done
        attempt 'load of low memory, high'
        mov rcx, HIGH + value
        mov rax, [rcx]
        done
        attempt 'load of low memory, top'
        mov rax, [TOP + value]
        done
%ifdef BEYOND_QEMU
        attempt 'jump into the canonical hole'
        mov rcx, HOLE
        jmp rcx
        done
        attempt 'return into the canonical hole'
        mov rcx, HOLE
        push rcx
        ret
        done
%endif
        attempt 'jump to what is not mapped'
        mov rcx, 1000000h
        jmp rcx
        done
        attempt 'call in the high half'
        mov rcx, HIGH + give_rip
        call rcx
        done
        attempt 'call at the top'
        mov rcx, TOP + give_rip
        call rcx
        done
        jmp tables

give_rip:
        lea rax, [rel $]
        ret

tables:
        attempt 'SGDT'
        sgdt [place]
        mov rax, [place + 2]
        done
        attempt 'SIDT'
        sidt [place]
        movzx eax, word [place]
        done
        attempt 'STR'
        str rax
        done
        attempt 'LTR, busy'
        mov cx, TASK
        ltr cx
        done
%ifdef BEYOND_QEMU
        attempt 'LTR, null'
        xor ecx, ecx
        ltr cx
        done
%endif
        attempt 'LLDT'
        mov cx, LOCAL
        lldt cx
        done
        attempt 'SLDT'
        sldt rax
        done
        attempt 'LLDT of half a descriptor'
        mov cx, LAST_HALF
        lldt cx
        done
        attempt 'LLDT, null'
        xor ecx, ecx
        lldt cx
        done
%ifdef BEYOND_QEMU
        attempt 'LGDT with a base in the canonical hole'
        lgdt [bad_pointer]
        done
%endif
        attempt 'LAR of 64-bit code'
        mov ecx, CODE_64
        lar rax, rcx
        done
        attempt 'LAR of the task'
        mov ecx, TASK
        lar eax, ecx
        done
        attempt 'LSL of the task'
        mov ecx, TASK
        lsl rax, rcx
        done
        attempt 'LSL of data'
        mov ecx, DATA
        lsl rax, rcx
        done
        attempt 'MOV SS, null'
        xor ecx, ecx
        mov ss, cx
        done
%ifdef BEYOND_QEMU
        attempt 'MOV SS, null with another RPL'
        mov ecx, 3
        mov ss, cx
        done
%endif
        attempt 'MOV DS, code'
        mov ecx, CODE_64
        mov ds, cx
        mov eax, ds
        done
%ifdef BEYOND_QEMU
        attempt 'MOV CR0 with upper bits'
        mov rcx, cr0
        bts rcx, 40
        mov cr0, rcx
        done
        attempt 'MOV CR0 without PG'
        mov rcx, cr0
        btr rcx, 31
        mov cr0, rcx
        done
        attempt 'MOV CR4 without PAE'
        mov rcx, cr4
        btr rcx, 5
        mov cr4, rcx
        done
        attempt 'MOV CR4 with upper bits'
        mov rcx, cr4
        bts rcx, 50
        mov cr4, rcx
        done
%endif
        attempt 'MOV CR2'
        mov rcx, 123456789abcdef0h
        mov cr2, rcx
        mov rax, cr2
        done
        attempt 'MOV CR8'
        mov ecx, 5
        mov cr8, rcx
        mov rax, cr8
        done
%ifdef BEYOND_QEMU
        attempt 'MOV CR8 of too much'
        mov ecx, 16
        mov cr8, rcx
        done
%endif
        attempt 'MOV CR8, back'
        xor ecx, ecx
        mov cr8, rcx
        done
%ifdef BEYOND_QEMU
        attempt 'WRMSR EFER without LME'
        mov ecx, EFER
        rdmsr
        btr eax, 8
        wrmsr
        done
        attempt 'WRMSR LSTAR in the canonical hole'
        mov ecx, LSTAR
        mov rax, HOLE
        call wrmsr_64
        done
%endif
        attempt 'CMPXCHG16B'
        mov rax, [pair]
        mov rdx, [pair + 8]
        mov rbx, 5
        mov rcx, 6
        cmpxchg16b [pair]
        mov rax, [pair + 8]
        done
        attempt 'CMPXCHG16B, not aligned'
        cmpxchg16b [pair + 8]
        done
        attempt 'ENTER and LEAVE'
        mov rbp, 1234h
        enter 16, 2
        mov rax, rbp
        sub rax, rsp
        leave
        done
        attempt 'PUSHFQ and POPFQ'
        push qword 0cd7h
        popfq
        pushfq
        pop rax
        cld
        done
        attempt 'PUSH of a word'
        push word 1234h
        mov rax, rsp
        sub rax, [saved_rsp]
        add rsp, 2
        done
        attempt 'writes of 32 bits'
        mov rax, -1
        mov eax, eax
        done
        attempt 'MOVSXD'
        mov ecx, 80000000h
        movsxd rax, ecx
        done
        attempt 'LOOP with ECX'
        mov rcx, 0ffffffff00000001h
        a32 loop $
        mov rax, rcx
        done
        attempt 'REP STOSQ'
        mov edi, 0a00000h
        mov ecx, 4
        mov rax, -2
        rep stosq
        mov rax, rdi
        done
        attempt 'XLATB'
        mov rbx, value
        xlatb
        done

segments:
        mov ecx, FS_BASE
        mov rax, HIGH + value
        call wrmsr_64
        mov ecx, GS_BASE
        mov rax, TOP + value
        call wrmsr_64
        mov ecx, KERNEL_GS_BASE
        mov rax, value + 8
        call wrmsr_64
        attempt 'FS with a base of 64 bits'
        mov rax, [fs:0]
        done
        attempt 'GS with a base of 64 bits'
        mov rax, [gs:8]
        done
        attempt 'SWAPGS'
        swapgs
        mov rax, [gs:0]
        swapgs
        done
        attempt 'FS across the canonical hole'
        mov rcx, HOLE
        sub rcx, 8
        mov rax, [fs:rcx]
        done
        attempt 'CS prefix, which means nothing'
        db 2eh
        mov rax, [value]
        done
        attempt 'MOV FS, data'
        mov ecx, DATA
        mov fs, cx
        mov ecx, FS_BASE
        rdmsr
        done
        attempt 'RDFSBASE without CR4.FSGSBASE'
        rdfsbase rax
        done
        jmp transfers

far_32:
        bits 32
        ; In compatibility mode: a write of 32 bits, a push of 32 bits, and back.
        mov eax, 0fffffff0h
        add eax, 20h
        mov ecx, esp
        push eax
        sub ecx, esp
        pop edx
        shl ecx, 16
        or eax, ecx
        jmp CODE_64:far_back
fault_32:
        mov ebx, 1000000h
        mov eax, [ebx]
        ud2
        bits 64

far_same:
        mov rax, [rsp]
        o64 retf

transfers:
        attempt 'far call of 64-bit code'
        call far qword [far_pointer]
        done
        attempt 'far jump to a task'
        jmp far qword [task_pointer]
        done
%ifdef BEYOND_QEMU
        attempt 'far jump to code of both sizes'
        jmp far qword [both_pointer]
        done
        attempt 'far jump into the canonical hole'
        jmp far qword [hole_pointer]
        done
%endif
        attempt 'far call through a gate'
        call far qword [gate_pointer]
        done
        mov ecx, DATA
        mov ss, ecx
        attempt 'far return to compatibility mode'
        push CODE_32
        push far_32
        o64 retf
        done
far_back:
        mov ecx, DATA
        mov ss, cx
        attempt 'far jump to compatibility mode, a page fault there'
        jmp far dword [fault_pointer]
        done
        attempt 'IRETQ to the same level'
        mov rax, rsp
        push 0
        push rax
        push 2
        push CODE_64
        lea rcx, [.there]
        push rcx
        iretq
.there: sub rax, rsp
        done
%ifdef BEYOND_QEMU
        attempt 'IRETQ into the canonical hole'
        mov rax, rsp
        push 0
        push rax
        push 2
        push CODE_64
        mov rcx, HOLE
        push rcx
        iretq
        done
%endif
        attempt 'IRETQ with NT'
        pushfq
        or qword [rsp], 4000h
        popfq
        iretq
        done

users:
        mov ecx, STAR
        mov rax, ((USER_DATA - 8) << 48) | (CODE_64 - 0) << 32
        call wrmsr_64
        mov ecx, LSTAR
        mov rax, system_call
        call wrmsr_64
        mov ecx, FMASK
        mov rax, 700h
        call wrmsr_64
        attempt_user 'user: UD2'
        nop
        done
        attempt_user 'user: HLT'
        hlt
        done
        attempt_user 'user: INT 32'
        int 32
        done
        attempt_user 'user: INT 33'
        int 33
        done
        attempt_user 'user: INT 36'
        int 36
        done
        attempt_user 'user: load of the kernel'
        mov rax, [0c00000h]
        done
        attempt_user 'user: MOV CR3'
        mov rax, cr3
        done
        attempt_user 'user: SWAPGS'
        swapgs
        done
        attempt_user 'user: MOV SS, null'
        xor ecx, ecx
        mov ss, cx
        done
        attempt_user 'user: IN'
        in al, 60h
        done
        attempt_user 'user: far call through a gate'
        call far qword [gate_pointer]
        done
        attempt_user 'user: SYSCALL'
        stc
        syscall
        done
        attempt_user 'user: RSP'
        mov rax, rsp
        done
        attempt_user 'user: far return to compatibility mode'
        push USER_32
        push user_32
        o64 retf
        done
        attempt_user 'user: far return to the kernel'
        push CODE_64
        push user_32
        o64 retf
        done
        jmp leave_long_mode

        bits 32
user_32:
        mov eax, esp
        pushfd
        sub eax, esp
        popfd
        int 32
        bits 64

; Comes with RCX and R11 as SYSCALL leaves them, and goes back, which ends at UD2.
system_call:
        mov rax, r11
        and eax, 0ffh
        or r11, 0cd5h
        and r11, ~700h
        mov r8, rsp
        mov rsp, STACK - 2000h
        push rcx
        pop rcx
        mov rsp, r8
        o64 sysret

leave_long_mode:
        say 'leaves'
        call end_line
        push CODE_32
        push .compatibility
        o64 retf
        bits 32
.compatibility:
        mov ecx, DATA
        mov ss, ecx
        mov ds, ecx
        mov eax, cr0
        and eax, 7fffffffh
        mov cr0, eax
        mov ecx, EFER
        rdmsr
        mov [efer], eax
        jmp CODE_16:.protected_16
        bits 16
.protected_16:
        mov ax, DATA_16
        mov ss, ax
        mov ds, ax
        mov es, ax
        mov eax, cr0
        and al, 0feh
        mov cr0, eax
        jmp 0:.real
.real:
        xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 7000h
        mov si, .text
.next:  lodsb
        test al, al
        jz .said
        out TEXT_PORT, al
        jmp .next
.said:  mov eax, [efer]
        mov cx, 8
.digit: rol eax, 4
        push eax
        and al, 0fh
        cmp al, 10
        sbb al, 69h
        das
        out TEXT_PORT, al
        pop eax
        loop .digit
        mov al, 10
        out TEXT_PORT, al
        mov al, 0
        out EXIT_PORT, al
        cli
        hlt
.text:  db 'back in real mode, EFER ', 0

        align 16
gdt:    dq 0
        dq 00cf9b000000ffffh            ; 08 32-bit code
        dq 00cf93000000ffffh            ; 10 data
        dq 00af9b000000ffffh            ; 18 64-bit code
        dq 00cffb000000ffffh            ; 20 32-bit code of the user
        dq 00cff3000000ffffh            ; 28 data of the user
        dq 00affb000000ffffh            ; 30 64-bit code of the user
        dw tss_end - tss - 1, tss, 8900h, 0
        dq 0                            ; 40
        dw 0fh, gdt, 8200h, 0
        dd TOP >> 32, 0                 ; 50
        dw gate_target, CODE_64, 0ec00h, 0
        dq 0                            ; 60
        dq 00ef9b000000ffffh            ; 68 code of both sizes
        dq 00009b000000ffffh            ; 70 16-bit code
        dq 000093000000ffffh            ; 78 16-bit data
        dw 0fh, gdt, 8200h, 0           ; 80
gdt_end:
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt
        align 8
tss:    dd 0
        dq INNER_STACK + 8              ; not aligned
        dq 0, 0, 0
        dq FAULT_STACK
        times 6 dq 0
        dq 0
        dw 0, tss_end - tss
tss_end:

        bits 64
gate_target:
        mov rax, rsp
        mov rax, [rsp + 8]
        cmp al, CODE_64
        jne .from_user
        o64 retf
.from_user:
        ud2

        align 16
pair:   dq 1, 2
value:  dq 1122334455667788h, 99aabbccddeeff00h
far_pointer:    dq far_same
        dw CODE_64
task_pointer:   dq 0
        dw TASK
both_pointer:   dq far_same
        dw BOTH_SIZES
hole_pointer:   dq HOLE
        dw CODE_64
gate_pointer:   dq 0
        dw GATE | 3
fault_pointer:  dd fault_32
        dw CODE_32
idt_pointer:    dw 64 * 16 - 1
        dq idt
bad_pointer:    dw 0ffffh
        dq HOLE
        times (($$ - $) & 511) db 0
SECTORS equ ($ - $$) / 512 - 1

efer    equ 9f00h + 6000h
name    equ efer + 8
resume  equ name + 8
begin   equ resume + 8
vector  equ begin + 8
error   equ vector + 8
fault_rip       equ error + 8
fault_cs        equ fault_rip + 8
fault_ss        equ fault_cs + 8
handler_rsp     equ fault_ss + 8
saved_rsp       equ handler_rsp + 8
place   equ saved_rsp + 8
idt     equ 16000h
