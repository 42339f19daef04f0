; As paging.asm, in long mode with 4- and 5-level paging. A case has CR0, CR4, CR3, EFER, kind, user, the low half of the
; address, EFLAGS.AC, the high half, PKRU and IA32_PKRS, a double word of padding, and 29 entries. Answers: vector, error
; code, low half of RIP, EAX, low and high half of CR2, and the changes.
        bits 32
        org 0x100000

CASE_HEADER     equ 48
KERNEL_PDPT     equ 0x20b000
KERNEL_PD       equ 0x20c000
KERNEL_PT       equ 0x20d000
KERNEL_PML4     equ 0x20e000

CODE            equ 0x08
FLAT            equ 0x10
CODE_64         equ 0x18
USER_FLAT       equ 0x23
USER_CODE_64    equ 0x2b
TASK            equ 0x30
LOCAL           equ 0x40
IN_LOCAL        equ 7

EFER            equ 0xc0000080
PKRS            equ 0x6e1
CR4_LA57        equ 1 << 12
CR4_PKE         equ 1 << 22
CR4_PKS         equ 1 << 24

        align 4
header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
        dd header, 0x100000, 0, 0, start

start:  cli
        lgdt [gdt_pointer]
        jmp CODE:.flat
.flat:  mov ax, FLAT
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, stack
        lidt [idt_pointer]
        call fill_interrupts
        call fill_kernel_tables
        mov ax, TASK
        ltr ax
        mov dword [current], cases + 4
next_case:
        mov ebx, [current]
        dec dword [cases]
        js finished
        call fill_tables
        mov dword [TABLES+4], 0
        mov dword [TABLES], KERNEL_PDPT + 0x27
        test dword [ebx+4], CR4_LA57
        jz .four
        mov dword [TABLES], KERNEL_PML4 + 0x27
.four:  mov eax, [ebx+12]
        xor edx, edx
        mov ecx, EFER
        wrmsr
        mov eax, [ebx+8]
        mov cr3, eax
        mov eax, [ebx+4]
        mov cr4, eax
        mov eax, [ebx]
        mov cr0, eax
        jmp CODE_64:try_access

finished:
        mov al, 0
        out 0xf4, al
        hlt

        bits 64
try_access:
        mov ebx, ebx
        mov esp, stack
        mov eax, [rbx+24]
        mov [gdt+LOCAL+2], ax
        shr eax, 16
        mov [gdt+LOCAL+4], al
        mov [gdt+LOCAL+7], ah
        mov eax, [rbx+32]
        mov [gdt+LOCAL+8], eax
        mov eax, LOCAL
        lldt ax
        test dword [rbx+4], CR4_PKE
        jz .no_user_keys
        xor ecx, ecx
        xor edx, edx
        mov eax, [rbx+36]
        wrpkru
.no_user_keys:
        test dword [rbx+4], CR4_PKS
        jz .no_supervisor_keys
        mov ecx, PKRS
        xor edx, edx
        mov eax, [rbx+40]
        wrmsr
.no_supervisor_keys:
        mov esi, [rbx+24]
        mov eax, [rbx+32]
        shl rax, 32
        or rsi, rax
        mov edi, [rbx+16]
        cmp dword [rbx+20], 0
        jne .user
        mov eax, 0x11223344
        cmp dword [rbx+28], 0
        je .supervisor
        stac
.supervisor:
        jmp [supervisor_code+rdi*8]
.user:  push USER_FLAT
        push 0
        push 2
        push USER_CODE_64
        push qword [user_code+rdi*8]
        mov eax, 0x11223344
        iretq

%macro accesses 1
%1_read:
        mov eax, [rsi]
        int 0x80
%1_write:
        mov [rsi], eax
        int 0x80
%1_fetch:
        jmp rsi
%1_local:
        mov eax, IN_LOCAL
        mov fs, ax
        int 0x80
%endmacro
        accesses supervisor
supervisor_code:
        dq supervisor_read, supervisor_write, supervisor_fetch, supervisor_local
user_code:
        dq user_read, user_write, user_fetch, user_local

; The stack holds vector and error code.
taken:  mov [found+12], eax
        pop rax
        mov [found], eax
        pop rax
        mov [found+4], eax
        pop rax
        mov [found+8], eax
        mov rax, cr2
        mov [found+16], rax
        mov ebx, [current]
        cmp dword [rbx+28], 0
        je .no_access_flag
        clac
.no_access_flag:
        xor eax, eax
        mov cr2, rax
        mov fs, eax
        lldt ax
        jmp dword far [compatible]
compatible:
        dd out_of_long_mode
        dw CODE

        bits 32
out_of_long_mode:
        mov eax, FLAT
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, stack
        mov eax, cr0
        and eax, 0x7fffffff
        mov cr0, eax
        xor eax, eax
        mov cr4, eax
        mov esi, found
        mov ecx, 6
.say:   lodsd
        call say
        loop .say
        call say_changes
        add dword [current], CASE_HEADER + ENTRIES_SIZE
        jmp next_case

%include "paging-common.asm"

; The low 2 MiB to themselves, accessed and dirty; the page of the user's code is open to it.
fill_kernel_tables:
        mov edi, KERNEL_PDPT
        mov ecx, 4 * 1024
        xor eax, eax
        rep stosd
        mov edi, KERNEL_PT
        mov ecx, 512
        mov eax, 0x63
.page:  mov [edi], eax
        add edi, 8
        add eax, 0x1000
        loop .page
        or byte [KERNEL_PT + (user_page >> 12) * 8], 4
        mov dword [KERNEL_PD], KERNEL_PT + 0x27
        mov dword [KERNEL_PDPT], KERNEL_PD + 0x27
        mov dword [KERNEL_PML4], KERNEL_PDPT + 0x27
        ret

fill_interrupts:
        mov edi, idt
        mov eax, stubs
        mov ecx, 0x81
.gate:  mov [edi], ax
        mov word [edi+2], CODE_64
        mov word [edi+4], 0xee00
        mov edx, eax
        shr edx, 16
        mov [edi+6], dx
        add edi, 16
        add eax, 16
        loop .gate
        ret

        bits 64
        align 16
stubs:
%assign vector 0
%rep 0x81
        align 16
    %if vector != 8 && (vector < 10 || vector > 14) && vector != 17
        push 0
    %endif
        push vector
        jmp taken
    %assign vector vector + 1
%endrep

        align 8
gdt:    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff
        dw 0x67, task - $$, 0x8910, 0
        dq 0
        dq 0x000082000000ffff, 0
gdt_pointer:
        dw $ - gdt - 1
        dd gdt
idt_pointer:
        dw 0x81 * 16 - 1
        dd idt
task:   dd 0
        dq stack
        times 0x68 - 12 db 0
current: dd 0
found:  times 6 dd 0
        align 8
idt:    times 0x81 * 16 db 0
        times 0x400 db 0
        align 16
stack:

        align 0x1000
user_page equ $ - $$ + 0x100000
        accesses user
        align 0x1000
cases:
