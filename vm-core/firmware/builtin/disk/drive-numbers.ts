/** Drive numbers as DL has them: the first floppy, the first hard disk, and the disc drive. */
export const FLOPPY_DRIVE = 0x00;
export const DISK_DRIVE = 0x80;
export const CD_DRIVE = 0xe0;
