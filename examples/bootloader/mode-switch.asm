; The ways into protected mode and back to real mode (SDM vol. 3A §9.9). 16-bit code, a part of stage 2.

CR0_PE                  equ 1

; Big real mode: a segment keeps the limit it got in protected mode. FS is loaded with a limit of 4 GiB there, and then
; real mode reaches all of memory through it. The 32-bit code is moved above the first megabyte in this way.
enter_big_real_mode:
        cli
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, CR0_PE
        mov cr0, eax
        jmp .protected                  ; drop what was fetched before
.protected:
        mov bx, FLAT_DATA
        mov fs, bx
        and al, ~CR0_PE & 0xff
        mov cr0, eax
        jmp 0x0000:.real
.real:
        xor ax, ax
        mov fs, ax                      ; base 0; the limit stays
        sti

        mov esi, stage2_end             ; where the boot sector's read has put it
        mov edi, PROTECTED_ADDRESS
        mov ecx, PROTECTED_SIZE
.copy:
        mov al, [fs:esi]
        mov [fs:edi], al
        inc esi
        inc edi
        dec ecx
        jnz .copy
        ret

; Calls the 32-bit code. Interrupts are off throughout: the vector table of real mode means nothing over there.
visit_protected_mode:
        cli
        mov [real_mode_stack], sp
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, CR0_PE
        mov cr0, eax
        jmp dword FLAT_CODE:protected_start

; The 32-bit code comes back here, in a 16-bit code segment that is still protected.
leave_protected_mode:
        mov bx, REAL_DATA               ; limits of 64 KiB again: real mode expects them
        mov ds, bx
        mov es, bx
        mov fs, bx
        mov gs, bx
        mov ss, bx
        mov eax, cr0
        and al, ~CR0_PE & 0xff
        mov cr0, eax
        jmp 0x0000:.real
.real:
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        mov sp, [real_mode_stack]
        sti
        ret

real_mode_stack dw 0

CODE_ACCESS             equ 0x9a        ; present, ring 0, code, readable
DATA_ACCESS             equ 0x92        ; present, ring 0, data, writable
FLAGS_4GIB_32BIT        equ 0xc0
FLAGS_64KIB_16BIT       equ 0x00

        align 8, db 0
gdt:
        dq 0                            ; selector 0 must not be used
FLAT_CODE               equ $ - gdt
        descriptor 0, 0xfffff, CODE_ACCESS, FLAGS_4GIB_32BIT
FLAT_DATA               equ $ - gdt
        descriptor 0, 0xfffff, DATA_ACCESS, FLAGS_4GIB_32BIT
REAL_CODE               equ $ - gdt
        descriptor 0, 0xffff, CODE_ACCESS, FLAGS_64KIB_16BIT
REAL_DATA               equ $ - gdt
        descriptor 0, 0xffff, DATA_ACCESS, FLAGS_64KIB_16BIT
gdt_end:

gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt
