import type { SchemaJudge } from './schema-judge.ts';
import type { SeenRequest, StandInAnswer } from './stand-in-server.ts';

/** The answer, if the forge could give it. What is thrown here is a violation that fails the test. */
export function honestAnswer(judge: SchemaJudge, request: SeenRequest, answer: StandInAnswer): StandInAnswer {
  const wrong = judge.judgeAnswer(request, answer);
  if (wrong.length > 0) {
    throw new Error(`the forge does not answer ${request.method} ${request.path} so: ${wrong.join(', ')}`);
  }
  return answer;
}
