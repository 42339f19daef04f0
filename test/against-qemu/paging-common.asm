; What paging.asm and paging-64.asm have in common: filling of tables with a case's entries, and answers on port E9h. The
; includer has `current`, and CASE_HEADER, the bytes of a case before its 29 entries.
TABLES          equ 0x200000
TABLES_SIZE     equ 6 * 0x1000
DATA            equ TABLES + TABLES_SIZE
DATA_SIZE       equ 4 * 0x1000
ENTRIES_SIZE    equ 29 * 8

; EAX on port E9h.
say:    push ecx
        mov ecx, 4
.byte:  out 0xe9, al
        ror eax, 8
        loop .byte
        pop ecx
        ret

; From the case at EBX: ESI its entries, EDX their end, EBP the step from one to the next.
choose_entries:
        lea esi, [ebx+CASE_HEADER]
        lea edx, [esi+ENTRIES_SIZE]
        mov ebp, 8
        test dword [ebx+4], 0x20
        jz .done
        mov ebp, 4
.done:  ret

; The next double word of the tables to EAX.
%macro next_entry 0
        mov eax, [esi]
        add esi, ebp
        cmp esi, edx
        jb %%inside
        lea esi, [ebx+CASE_HEADER]
%%inside:
%endmacro

fill_tables:
        call choose_entries
        mov edi, TABLES
        mov ecx, TABLES_SIZE / 4
.entry: next_entry
        stosd
        loop .entry
        mov edi, DATA
        mov ecx, DATA_SIZE / 4
        mov eax, 0xcccccccc
        rep stosd
        ret

say_changes:
        call choose_entries
        mov edi, TABLES
        mov ecx, TABLES_SIZE / 4
.entry: next_entry
        cmp edi, TABLES + 8
        jb .same
        cmp eax, [edi]
        je .same
        mov eax, edi
        call say
        mov eax, [edi]
        call say
.same:  add edi, 4
        loop .entry
        mov ecx, DATA_SIZE / 4
.data:  cmp dword [edi], 0xcccccccc
        je .kept
        mov eax, edi
        call say
        mov eax, [edi]
        call say
.kept:  add edi, 4
        loop .data
        xor eax, eax
        jmp say
