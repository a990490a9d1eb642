// No line of code is longer than 120 characters, as an ESLint rule: the formatter breaks code there, but leaves
// comments and texts as they are. Where a line cannot be broken (an address, a table that a program wrote), a comment
// `eslint-disable-next-line pagoda/line-length` says so.

const MOST = 120;

/** @type {import('eslint').Rule.RuleModule} */
export const lineLength = {
  meta: { type: 'layout', schema: [], docs: { description: 'keeps lines to 120 characters' } },
  create: ({ sourceCode, report }) => ({
    Program() {
      for (const [at, line] of sourceCode.lines.entries()) {
        // Characters as a reader counts them, not UTF-16 units.
        const length = [...line].length;
        if (length <= MOST) continue;
        const start = { line: at + 1, column: 0 };
        report({
          loc: { start, end: { line: at + 1, column: line.length } },
          message: `This line has ${length} characters; ${MOST} is the most. Break the text, or shorten it.`,
        });
      }
    },
  }),
};
