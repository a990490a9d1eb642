// A name that no other run or folder has. `crypto.randomUUID` is missing over plain http on a network's address.

export function newId(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((word) => word.toString(16).padStart(8, '0')).join('');
}
