; Stage 1: the boot sector.
;
; The BIOS reads this sector to 0000:7C00 and jumps to it, with the number of the drive it came from in DL. Its one task
; is to read stage 2, which lies right behind it on the drive, and to jump there.
;
; This file is the one to assemble; it includes the others:
;
;   macros.inc        say, say_hex, descriptor
;   console.asm       routines that print
;   stage2.asm        A20 gate, memory map, keyboard, picture
;   mode-switch.asm   into protected mode and back
;   protected.asm     the 32-bit code
;
;   nasm -f bin -l boot.lst -o boot.img boot.asm
;
; What it makes, from the first byte of the drive on:
;
;   section      on the drive                runs at     mode
;   .text        sector 0                    0000:7C00   16-bit real mode
;   stage2       from sector 1 on            0000:8000   16-bit real mode
;   protected    behind stage2               00100000h   32-bit protected mode

        cpu 386
        bits 16
        %include "macros.inc"

        org 0x7c00

STAGE2_ADDRESS          equ 0x8000      ; far enough above this sector, far below video memory
STACK_TOP               equ 0x7c00      ; the stack grows down from this sector
SECTOR_SIZE             equ 512
READ_ATTEMPTS           equ 3           ; a floppy's motor may need a moment

; ---------------------------------------------------------------------------------------------------------------------
; Some BIOSes jump to 07C0:0000 instead of 0000:7C00. It is the same byte, but our offsets count from segment 0.

start:
        jmp 0x0000:.segment_zero
.segment_zero:
        cli                             ; SS and SP belong together: no interrupt in between
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, STACK_TOP
        sti
        cld
        mov [boot_drive], dl

        say hello
        call read_stage2
        jmp STAGE2_ADDRESS

; ---------------------------------------------------------------------------------------------------------------------
; Reads LOAD_SECTORS sectors from sector 1 on to STAGE2_ADDRESS. Hard disks know the extended read of INT 13h, which
; takes a block number; a floppy drive wants cylinder, head and sector.

read_stage2:
        mov ah, 0x41                    ; are the extensions there?
        mov bx, 0x55aa
        mov dl, [boot_drive]
        int 0x13
        jc read_by_geometry
        cmp bx, 0xaa55
        jne read_by_geometry
        test cl, 1                      ; bit 0: the extended read is
        jz read_by_geometry

        mov si, address_packet
        mov ah, 0x42
        mov dl, [boot_drive]
        int 0x13
        jc read_by_geometry
        ret

; The same, sector by sector. The drive tells its geometry: sectors of a track in CL bits 0 to 5, the highest head in DH.

read_by_geometry:
        mov ah, 0x08
        mov dl, [boot_drive]
        int 0x13
        jc disk_failure
        xor ax, ax
        mov es, ax                      ; the call above returned a table in ES:DI
        and cx, 0x3f
        mov [sectors_per_track], cx
        shr dx, 8
        inc dx
        mov [head_count], dx

        mov bx, STAGE2_ADDRESS          ; ES:BX is where the next sector goes
        mov di, 1                       ; the sector to read, counted from 0
.next_sector:
        mov ax, di
        xor dx, dx
        div word [sectors_per_track]    ; AX = track, DX = sector in it
        mov cl, dl
        inc cl                          ; sectors count from 1
        xor dx, dx
        div word [head_count]           ; AX = cylinder, DX = head
        mov ch, al                      ; a cylinder above 255 is not needed this close to the start
        mov dh, dl
        mov dl, [boot_drive]
        mov si, READ_ATTEMPTS
.attempt:
        mov ax, 0x0201                  ; read one sector
        int 0x13
        jnc .done
        dec si
        jz disk_failure
        xor ah, ah                      ; reset the drive, then try again
        int 0x13
        jmp .attempt
.done:
        add bx, SECTOR_SIZE
        inc di
        cmp di, LOAD_SECTORS
        jbe .next_sector
        ret

disk_failure:
        say disk_error
.forever:
        hlt
        jmp .forever

        %include "console.asm"

; ---------------------------------------------------------------------------------------------------------------------

hello           db "Stage 1: booted, reading stage 2", 13, 10, 0
disk_error      db "Stage 1: the drive cannot be read", 13, 10, 0

boot_drive              db 0
sectors_per_track       dw 0
head_count              dw 0

        align 4, db 0
address_packet:                         ; what the extended read (INT 13h, AH = 42h) works from
        db 16, 0                        ; size of this packet
        dw LOAD_SECTORS
        dw STAGE2_ADDRESS, 0            ; offset and segment
        dq 1                            ; first sector

        times 510 - ($ - $$) db 0
        dw 0xaa55                       ; tells the BIOS that this is a boot sector

; ---------------------------------------------------------------------------------------------------------------------
; Everything behind the boot sector. `vstart` is where a section runs, `follows` where it lies in the image.

section stage2 vstart=STAGE2_ADDRESS follows=.text
        %include "stage2.asm"
        %include "mode-switch.asm"
        align 16, db 0                  ; so that `protected` starts right behind it
stage2_end:
STAGE2_SIZE             equ stage2_end - stage2_start

section protected vstart=PROTECTED_ADDRESS follows=stage2 align=16
        %include "protected.asm"

LOADED_SIZE             equ STAGE2_SIZE + PROTECTED_SIZE
LOAD_SECTORS            equ (LOADED_SIZE + SECTOR_SIZE - 1) / SECTOR_SIZE

        times LOAD_SECTORS * SECTOR_SIZE - LOADED_SIZE db 0
