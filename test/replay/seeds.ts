/**
 * Seeds that are recorded: few that showed together all that the first 250 did. Found by
 * `npm run record-histories -- --search 250`; when what seeds draw has changed, find others.
 */
export const seeds: readonly number[] = [
  5, 10, 13, 16, 19, 24, 34, 45, 57, 59, 67, 70, 72, 81, 84, 98, 101, 109, 120, 126, 132, 133, 143,
  152, 166, 176, 198, 203, 220, 227, 235, 236,
];
