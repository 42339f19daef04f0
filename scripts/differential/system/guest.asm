; The guest's own code around the cases of the differential run of system code. It is in RAM when the machine starts, and a
; ROM jumps here after each reset. Cases are entered from flat protected mode without paging ("home") and hand over by
; INT 0CDh: in long mode through an interrupt gate with a stack of its own, in protected mode through a task gate, in real
; mode through the vector. A case that shuts the processor down is noticed after the reset that follows. Addresses, records
; and results are those of layout.ts.

        bits 32
        org HARNESS

        jmp near start
        times 8 - ($ - $$) db 0

home_gdt:
        dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff
home_gdt_end:
        align 8
        dd captured_by_task, captured_double_fault, captured_64, captured_real
; The record of the case; the host looks at it to see whether the guest goes on.
current: dd RECORDS

start:  mov eax, DATA
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, HOME_STACK
        cld
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
        in al, 0x92
        or al, 2
        out 0x92, al
        mov eax, cr4
        or eax, CR4_OSXSAVE
        mov cr4, eax
        xor ecx, ecx
        xor edx, edx
        mov eax, XCR0
        xsetbv
        xor eax, eax
        mov cr4, eax
        cmp dword [in_case], 0
        je next_case
        call clear_found
        mov dword [found + AT_ending], ENDING_SHUTDOWN
        jmp write_result

next_case:
        mov dword [in_case], 0
        mov esi, [current]
        cmp dword [esi + RECORD_KIND], KIND_END
        je finish
        cmp dword [results], RESULTS_FULL
        jae finish
        mov esi, PRISTINE
        mov edi, ZONE
        mov ecx, ZONE_SIZE / 4
        rep movsd
        mov esi, [current]
        add esi, RECORD_PATCHES
.patch: lodsd
        test eax, eax
        jz .patched
        mov edi, eax
        lodsd
        mov ecx, eax
        rep movsb
        jmp .patch
.patched:
        mov [next], esi
        mov esi, ZONE
        mov edi, SHADOW
        mov ecx, ZONE_SIZE / 4
        rep movsd
        inc dword [in_case]

; With paging, the record itself is out of reach.
        mov esi, [current]
        mov edi, record
        mov ecx, RECORD_PATCHES / 4
        rep movsd
        mov ebp, record
        mov esi, msrs
        lea edi, [ebp + RECORD_MSRS]
        mov ebx, 7
        call write_msrs
        mov eax, 0xffff0ff0
        mov dr6, eax
        mov eax, 0x400
        mov dr7, eax
        xor eax, eax
        mov cr2, eax
        mov eax, [ebp + RECORD_CR4]
        mov cr4, eax
        mov eax, [ebp + RECORD_CR3]
        mov cr3, eax
        mov ecx, 0xc0000080
        mov eax, [ebp + RECORD_EFER]
        xor edx, edx
        wrmsr
        lgdt [ebp + RECORD_GDTR]
        mov eax, [ebp + RECORD_CR0]
        mov cr0, eax
        cmp dword [ebp + RECORD_KIND], KIND_LONG
        jne .protected
        jmp CODE_64:enter_long
.protected:
        lidt [ebp + RECORD_IDTR]
        lldt [ebp + RECORD_LDTR]
        ltr [ebp + RECORD_TR]
        mov eax, [ebp + RECORD_GENERAL + 5 * 8]
        mov [entry_ebp], eax
        mov ax, [ebp + RECORD_DS]
        mov [entry_ds], ax
        cmp dword [ebp + RECORD_KIND], KIND_OUTER
        je enter_outer

; To code of level 0: stack and target by far pointers in the code segment.
        mov eax, [ebp + RECORD_RSP]
        mov [entry_stack], eax
        mov ax, [ebp + RECORD_SS]
        mov [entry_stack + 4], ax
        mov eax, [ebp + RECORD_RIP]
        mov [entry_code], eax
        mov ax, [ebp + RECORD_CS]
        mov [entry_code + 4], ax
        mov es, [ebp + RECORD_ES]
        mov fs, [ebp + RECORD_FS]
        mov gs, [ebp + RECORD_GS]
        push dword [ebp + RECORD_RFLAGS]
        popfd
        call load_general
        lss esp, [cs:entry_stack]
        mov ds, [cs:entry_ds]
        mov ebp, [cs:entry_ebp]
        jmp far [cs:entry_code]

; To an outer level, or to virtual-8086 mode, which takes all segments from the frame.
enter_outer:
        test dword [ebp + RECORD_RFLAGS], 0x20000
        jz .segments
        push dword [ebp + RECORD_GS]
        push dword [ebp + RECORD_FS]
        push dword [ebp + RECORD_DS]
        push dword [ebp + RECORD_ES]
        mov word [entry_ds], DATA
        jmp .frame
.segments:
        mov es, [ebp + RECORD_ES]
        mov fs, [ebp + RECORD_FS]
        mov gs, [ebp + RECORD_GS]
.frame: push dword [ebp + RECORD_SS]
        push dword [ebp + RECORD_RSP]
        push dword [ebp + RECORD_RFLAGS]
        push dword [ebp + RECORD_CS]
        push dword [ebp + RECORD_RIP]
        call load_general
        mov ds, [cs:entry_ds]
        mov ebp, [cs:entry_ebp]
        iretd

; All general registers but ESP and EBP.
load_general:
        mov eax, [ebp + RECORD_GENERAL]
        mov ecx, [ebp + RECORD_GENERAL + 1 * 8]
        mov edx, [ebp + RECORD_GENERAL + 2 * 8]
        mov ebx, [ebp + RECORD_GENERAL + 3 * 8]
        mov esi, [ebp + RECORD_GENERAL + 6 * 8]
        mov edi, [ebp + RECORD_GENERAL + 7 * 8]
        ret

; EBX numbers from ESI, with values from EDI.
write_msrs:
        mov ecx, [esi]
        mov eax, [edi]
        mov edx, [edi + 4]
        wrmsr
        add esi, 4
        add edi, 8
        dec ebx
        jnz write_msrs
        ret

        bits 64
        default abs
enter_long:
        ; What the upper halves of registers hold after a change to 64-bit code is not defined.
        mov ebp, ebp
        lidt [rbp + RECORD_IDTR]
        lldt [rbp + RECORD_LDTR]
        ltr [rbp + RECORD_TR]
        mov es, [rbp + RECORD_ES]
        mov fs, [rbp + RECORD_FS]
        mov gs, [rbp + RECORD_GS]
        mov esi, msrs + 7 * 4
        lea edi, [rbp + RECORD_MSRS + 7 * 8]
        mov ebx, 3
.msr:   mov ecx, [rsi]
        mov eax, [rdi]
        mov edx, [rdi + 4]
        wrmsr
        add esi, 4
        add edi, 8
        dec ebx
        jnz .msr
        mov esp, HOME_STACK
        call open_units
        fxrstor64 [UNITS]
        mov cr4, rbx
        mov cr0, rdx
        mov ds, [rbp + RECORD_DS]
        push qword [rbp + RECORD_SS]
        push qword [rbp + RECORD_RSP]
        push qword [rbp + RECORD_RFLAGS]
        push qword [rbp + RECORD_CS]
        push qword [rbp + RECORD_RIP]
        mov rax, [rbp + RECORD_GENERAL]
        mov rcx, [rbp + RECORD_GENERAL + 1 * 8]
        mov rdx, [rbp + RECORD_GENERAL + 2 * 8]
        mov rbx, [rbp + RECORD_GENERAL + 3 * 8]
        mov rsi, [rbp + RECORD_GENERAL + 6 * 8]
        mov rdi, [rbp + RECORD_GENERAL + 7 * 8]
%assign number 8
%rep 8
        mov r%+number, [rbp + RECORD_GENERAL + number * 8]
    %assign number number + 1
%endrep
        mov rbp, [rbp + RECORD_GENERAL + 5 * 8]
        iretq

; Lets the states of the floating-point and vector units be moved. RDX and RBX keep CR0 and CR4.
open_units:
        mov rdx, cr0
        mov rbx, cr4
        mov rax, rdx
        and al, ~0xc
        mov cr0, rax
        mov rax, rbx
        or ah, 2
        mov cr4, rax
        ret

captured_64:
        mov [found + AT_rax], rax
        mov [found + AT_rcx], rcx
        mov [found + AT_rdx], rdx
        mov [found + AT_rbx], rbx
        mov [found + AT_rbp], rbp
        mov [found + AT_rsi], rsi
        mov [found + AT_rdi], rdi
%assign number 8
%rep 8
        mov [found + AT_r%+number], r%+number
    %assign number number + 1
%endrep
        cld
        mov eax, ENDING_LONG
        mov [found + AT_ending], rax
        pop qword [found + AT_rip]
        pop qword [found + AT_cs]
        pop qword [found + AT_rflags]
        pop qword [found + AT_rsp]
        pop qword [found + AT_ss]
        mov rax, cr3
        mov [found + AT_cr3], rax
        mov rax, cr2
        mov [found + AT_cr2], rax
        mov rax, cr8
        mov [found + AT_cr8], rax
        mov rax, cr0
        mov [found + AT_cr0], rax
        mov rax, cr4
        mov [found + AT_cr4], rax
        btr eax, 17
        mov cr4, rax
        call open_units
        fxsave64 [UNITS]
        xor eax, eax
        mov cr8, rax
%macro save_segments 0
        mov [found + AT_ds], ds
        mov [found + AT_es], es
        mov [found + AT_fs], fs
        mov [found + AT_gs], gs
        sldt [found + AT_ldtr]
        str [found + AT_tr]
%endmacro
        save_segments
        sgdt [table_pointer]
        mov ax, [table_pointer]
        mov [found + AT_gdtLimit], ax
        mov rax, [table_pointer + 2]
        mov [found + AT_gdtBase], rax
        sidt [table_pointer]
        mov ax, [table_pointer]
        mov [found + AT_idtLimit], ax
        mov rax, [table_pointer + 2]
        mov [found + AT_idtBase], rax
%macro save_msr 2
        mov ecx, %1
        rdmsr
        mov [found + %2], eax
        mov [found + %2 + 4], edx
%endmacro
        save_msr 0xc0000080, AT_efer
        save_msr 0xc0000100, AT_fsBase
        save_msr 0xc0000101, AT_gsBase
        lgdt [home_gdt_pointer]
        jmp dword far [to_home]

        bits 32
captured_double_fault:
        mov ebx, ENDING_DOUBLE_FAULT
        jmp captured
captured_by_task:
        mov ebx, ENDING_TASK
captured:
        cld
        mov [found + AT_ending], ebx
        mov eax, cr0
        mov [found + AT_cr0], eax
        mov eax, cr2
        mov [found + AT_cr2], eax
        mov eax, cr4
        mov [found + AT_cr4], eax
        sldt [found + AT_ldtr]
        str [found + AT_tr]
        sgdt [table_pointer]
        mov ax, [table_pointer]
        mov [found + AT_gdtLimit], ax
        mov eax, [table_pointer + 2]
        mov [found + AT_gdtBase], eax
        sidt [table_pointer]
        mov ax, [table_pointer]
        mov [found + AT_idtLimit], ax
        mov eax, [table_pointer + 2]
        mov [found + AT_idtBase], eax
        save_msr 0xc0000080, AT_efer
        lgdt [home_gdt_pointer]
        jmp CODE_32:home

; Data segments may be anything here.
home:   mov eax, 0x11
        mov cr0, eax
        jmp .flat
.flat:  xor eax, eax
        mov cr4, eax
        mov ecx, 0xc0000080
        xor edx, edx
        wrmsr
        mov eax, DATA
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov fs, eax
        mov gs, eax
        mov esp, HOME_STACK
        xor eax, eax
        lldt ax
        push eax
        popfd
        mov eax, dr6
        mov [found + AT_dr6], eax
        mov eax, dr7
        mov [found + AT_dr7], eax
        mov esi, msrs
        mov edi, found + AT_star
        mov ebx, 7
.msr:   mov ecx, [esi]
        rdmsr
        mov [edi], eax
        mov [edi + 4], edx
        add esi, 4
        add edi, 8
        dec ebx
        jnz .msr
        save_msr 0xc0000102, AT_kernelGsBase

write_result:
        mov edi, [results]
        mov esi, found
        mov ecx, FOUND_SIZE / 4
        rep movsd
        mov edx, edi
        mov esi, ZONE
        mov edi, SHADOW
        mov ecx, ZONE_SIZE / 4
.more:  repe cmpsd
        je .done
        lea eax, [esi - 4]
        mov [edx], eax
        mov eax, [esi - 4]
        mov [edx + 4], eax
        add edx, 8
        test ecx, ecx
        jnz .more
.done:  mov dword [edx], RESULT_END
        add edx, 4
        mov [results], edx
        call clear_found
        mov eax, [next]
        mov [current], eax
        jmp next_case

clear_found:
        mov edi, found
        mov ecx, FOUND_SIZE / 4
        xor eax, eax
        rep stosd
        ret

finish: xor eax, eax
        out 0xf4, al
        hlt

        bits 16
captured_real:
        mov [cs:found + AT_rax], eax
        mov [cs:found + AT_rcx], ecx
        mov [cs:found + AT_rdx], edx
        mov [cs:found + AT_rbx], ebx
        mov [cs:found + AT_rsp], esp
        mov [cs:found + AT_rbp], ebp
        mov [cs:found + AT_rsi], esi
        mov [cs:found + AT_rdi], edi
        mov [cs:found + AT_ss], ss
        mov [cs:found + AT_ds], ds
        mov [cs:found + AT_es], es
        mov [cs:found + AT_fs], fs
        mov [cs:found + AT_gs], gs
        xor ax, ax
        mov ds, ax
        cld
        mov bp, sp
        mov ax, [bp]
        mov [found + AT_rip], ax
        mov ax, [bp + 2]
        mov [found + AT_cs], ax
        mov ax, [bp + 4]
        mov [found + AT_rflags], ax
        mov byte [found + AT_ending], ENDING_REAL
        mov eax, cr0
        mov [found + AT_cr0], eax
        mov eax, cr4
        mov [found + AT_cr4], eax
        save_msr 0xc0000080, AT_efer
        o32 lgdt [home_gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword CODE_32:home

        align 8
results: dd RESULTS
next:   dd 0
in_case: dd 0
home_gdt_pointer:
        dw home_gdt_end - home_gdt - 1
        dq home_gdt
table_pointer:
        dw 0
        dq 0
to_home: dd home
        dw CODE_32
entry_stack: dd 0
        dw 0
entry_code: dd 0
        dw 0
entry_ds: dw 0
entry_ebp: dd 0
        align 4
msrs:   dd 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0x174, 0x175, 0x176, 0xc0000100, 0xc0000101, 0xc0000102
        align 8
found:  times FOUND_SIZE db 0
record: times RECORD_PATCHES db 0
