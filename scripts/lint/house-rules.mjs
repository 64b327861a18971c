/** Rules of our own, for remarks that a review would otherwise make twice. An oxlint plugin in ESLint's form. */

const LEVELS = new Set(['debug', 'info', 'warn', 'error']);
const LOGGERS = /^(?:log|logger)$/;

/** A fake is a second implementation, held by the port's contract; a mock is held by nothing. */
const noViMock = {
  create(context) {
    return {
      CallExpression(node) {
        const { callee } = node;
        if (
          callee.type === 'MemberExpression' &&
          callee.object.type === 'Identifier' &&
          callee.object.name === 'vi' &&
          ['mock', 'doMock'].includes(callee.property.name)
        ) {
          context.report({
            node,
            message: 'Do not mock modules of ours: give the code a fake of its port.',
          });
        }
      },
    };
  },
};

/** What varies belongs in the details, so that lines of one kind can be counted and a secret cannot slip into prose. */
const loggerStaticMessage = {
  create(context) {
    return {
      CallExpression(node) {
        const { callee } = node;
        const isLogCall =
          callee.type === 'MemberExpression' && LEVELS.has(callee.property.name) && isLogger(callee.object);
        const message = node.arguments[1];
        if (isLogCall && message !== undefined && !isStaticText(message)) {
          context.report({
            node: message,
            message: 'A log message is a fixed text; put what varies into the details.',
          });
        }
      },
    };
  },
};

function isLogger(node) {
  const name = node.type === 'MemberExpression' ? node.property.name : node.name;
  return typeof name === 'string' && LOGGERS.test(name);
}

function isStaticText(node) {
  return (
    (node.type === 'Literal' && typeof node.value === 'string') ||
    (node.type === 'TemplateLiteral' && node.expressions.length === 0)
  );
}

export default {
  meta: { name: 'house' },
  rules: { 'no-vi-mock': noViMock, 'logger-static-message': loggerStaticMessage },
};
