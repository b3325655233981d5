import { writeFileSync } from 'node:fs';

/** Imported into a process, leaves its peak memory, in MB, behind when that ends. */
process.on('exit', () => {
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  writeFileSync(process.env['PEAK_MEMORY_FILE'] ?? '', String(megabytes));
});
