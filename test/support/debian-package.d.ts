/** Path of a file of a package; undefined where there is no Debian, no network, or no such package. */
export declare function debianFile(packageName: string, file: string): string | undefined;
