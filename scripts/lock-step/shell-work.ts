/**
 * What a Linux guest does once it has booted, in lock-step and while the memory of compiled code is measured: a shell that runs
 * programs of busybox, one after the other, side by side and in pipes, on files of its own making.
 */

/** Files of a turn: text, numbers, and something that is compressed well in parts. */
const MAKE = `
mkdir -p /tmp/work/deep/er /tmp/other
seq $turn 7 $((turn + 9000)) > /tmp/work/numbers
head -c 150000 /bin/busybox > /tmp/work/program
sed 's/\\(.\\)\\(.*\\)/\\2 \\1/; s/7/seven/g' /tmp/work/numbers > /tmp/work/deep/text
`;

const SUMS = `
sha256sum /tmp/work/program /tmp/work/deep/text
sha1sum < /tmp/work/numbers; md5sum < /tmp/work/deep/text; sha512sum < /tmp/work/numbers; crc32 /tmp/work/program
`;

const PACK = `
gzip -c /tmp/work/program > /tmp/other/program.gz; gunzip -c /tmp/other/program.gz | cmp - /tmp/work/program && echo unpacked
tar -C /tmp -czf /tmp/other/all.tgz work; tar -tzf /tmp/other/all.tgz | sort | tr a-z A-Z
head -c 40000 /tmp/work/program | bzip2 | bunzip2 | sha256sum
base64 /tmp/work/deep/text | base64 -d | cmp - /tmp/work/deep/text && echo decoded
`;

const TEXT = `
sort -n -r /tmp/work/numbers | uniq -c | awk '{ sum += $2; last = $2 } END { print NR, sum, last }'
shuf -i 1-2000 | sort -n | md5sum
sort /tmp/work/deep/text | uniq | wc; cut -d ' ' -f 2 /tmp/work/deep/text | sort | uniq -c | sort -n | tail -n 3
find /tmp/work -type f -size +1 -exec wc -c {} \\; | sort
find /bin -name '*sum*' | xargs -n 3 echo | rev
grep -c 'seven.*seven' /tmp/work/deep/text; grep -E -o '[0-9]+ 9$' /tmp/work/deep/text | tail -n 1
od -A d -t x2 /tmp/work/program | awk '{ print $2 $3 }' | sort -u | wc -l; strings /tmp/work/program | tail -n 2
diff /tmp/work/numbers /tmp/work/deep/text | head -n 3 | expand
`;

const NUMBERS = `
awk -v turn=$turn 'BEGIN { for (n = 1; n < 3000; n++) { x += turn / n; y = y * 1.0001 + x * x - n % 7.3 } printf "%.10g %.10g\\n", x, y }'
awk 'BEGIN { for (a = 2; a < 900; a++) { for (b = 2; b * b <= a && a % b; b++); if (b * b > a) found++ } print found }'
echo "20 k 2 v p 3 $turn ^ 7 % p" | dc; echo "scale = 30; sqrt($turn) / 7 + 2 ^ 100" | bc; factor $((turn * 1000003 * 17))
fibonacci() { if [ $1 -lt 2 ]; then echo $1; else echo $(($(fibonacci $(($1 - 1))) + $(fibonacci $(($1 - 2))))); fi; }
fibonacci 6
turns=0; while [ $turns -lt 1500 ]; do turns=$((turns + 1)); done; echo $turns
`;

/** Processes that are there at once, that wait for each other and that are killed. */
const PROCESSES = `
for child in 1 2 3; do (seq 1 $((child * 400)) | sha256sum) & done; wait
(while :; do :; done) & busy=$!; usleep 30000; kill $busy; wait $busy; echo ended $?
mkfifo /tmp/other/pipe; (cat /tmp/work/deep/text > /tmp/other/pipe) & tac /tmp/other/pipe | md5sum; wait; rm /tmp/other/pipe
(trap 'echo signalled; exit 3' USR1; kill -USR1 $(sh -c 'echo $PPID')); echo $?
timeout 1 sh -c 'usleep 1000; echo in time'; dd if=/dev/zero bs=4k count=64 2> /dev/null | tr '\\0' x | md5sum
ps | wc -l > /dev/null; cat /proc/meminfo /proc/interrupts /proc/stat > /dev/null; free > /dev/null; du -s /tmp > /dev/null
rm -r /tmp/work /tmp/other
`;

/** A shell script of so many turns; a turn says its number on the console. */
export function shellWork(turns: number): string {
  return `
export PATH=/bin
for applet in $(busybox --list); do ln -s busybox /bin/$applet; done 2> /dev/null
mknod /dev/zero c 1 5
mount -t proc proc /proc
cat /proc/cpuinfo /proc/interrupts
turn=0
while [ $turn -lt ${turns} ]; do
turn=$((turn + 1))
${MAKE}${SUMS}${PACK}${TEXT}${NUMBERS}${PROCESSES}
echo "turn $turn has ended"
done
`;
}
