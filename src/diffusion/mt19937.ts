// The Mersenne Twister MT19937, the engine behind PyTorch's CPU generator.
// Matsumoto & Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998; the seeding is that of their 2002
// revision (init_genrand). All words are unsigned 32-bit; `Math.imul` and `>>> 0` keep them so.

const STATE_WORDS = 624;
const SHIFT = 397;
const MATRIX_A = 0x9908b0df;
const UPPER_BIT = 0x80000000;
const LOWER_BITS = 0x7fffffff;

export class Mt19937 {
  private readonly state = new Uint32Array(STATE_WORDS);
  private position = STATE_WORDS;

  /** @param seed an integer, of which the low 32 bits count. */
  constructor(seed: number) {
    let word = seed >>> 0;
    this.state[0] = word;
    for (let i = 1; i < STATE_WORDS; i++) {
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i) >>> 0;
      this.state[i] = word;
    }
  }

  /** The next word of the stream, 0 … 2³²−1. */
  nextUint32(): number {
    if (this.position === STATE_WORDS) this.twist();
    let word = this.state[this.position++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  private twist(): void {
    const { state } = this;
    for (let i = 0; i < STATE_WORDS; i++) {
      const joined = (state[i]! & UPPER_BIT) | (state[(i + 1) % STATE_WORDS]! & LOWER_BITS);
      const odd = joined & 1 ? MATRIX_A : 0;
      state[i] = state[(i + SHIFT) % STATE_WORDS]! ^ (joined >>> 1) ^ odd;
    }
    this.position = 0;
  }
}
