// Has `campaign` write payloads and answers, reads them with llhttp, the parser inside Node, and
// compares its reading with that of the strict reader. Each kind of difference needs an explanation
// (llhttp_differences.js); one without ends the program with 1.
//
//   node --no-deprecation tests/campaign/llhttp.js build/release/tests/campaign [PAYLOADS [SEED]]
'use strict';

const childProcess = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const binding = process.binding('http_parser');
const {HTTPParser} = binding;
const methods = binding.allMethods || binding.methods;

const {requestDifferences, answerDifferences} = require('./llhttp_differences.js');

// As campaign/files.cpp counts them.
function sumOf(body) {
  let sum = 0;
  for (const byte of body) sum = (sum * 31 + byte) % 1000003;
  return `${body.length}:${sum}`;
}

// What llhttp makes of some bytes: the complete messages, whether one is open, and its complaint.
function read(kind, bytes, options) {
  const parser = new HTTPParser();
  parser.initialize(kind, {});
  const seen = {messages: [], open: false, complaint: '', closes: false};
  let head = null;
  let body = [];
  parser[HTTPParser.kOnMessageBegin | 0] = () => {
    seen.open = true;
    body = [];
  };
  parser[HTTPParser.kOnHeaders | 0] = () => {};
  parser[HTTPParser.kOnHeadersComplete | 0] =
      (major, minor, fields, method, url, status, phrase, upgrade, keepAlive) => {
        head = {method: methods[method], status, keepAlive, version: `${major}.${minor}`};
        return options.head && status >= 200 ? 1 : 0;
      };
  parser[HTTPParser.kOnBody | 0] = (block, begin, size) => {
    body.push(Buffer.from(begin === undefined ? block : block.subarray(begin, begin + size)));
  };
  parser[HTTPParser.kOnMessageComplete | 0] = () => {
    seen.open = false;
    seen.closes = !head.keepAlive;
    seen.messages.push({...head, body: sumOf(Buffer.concat(body))});
  };
  const result = parser.execute(bytes);
  if (result instanceof Error) {
    seen.complaint = result.code;
  } else if (options.ends) {
    const ended = parser.finish();
    if (ended instanceof Error) seen.complaint = ended.code;
  }
  return seen;
}

function* records(file) {
  const all = fs.readFileSync(file);
  for (let at = 0; at < all.length;) {
    const end = all.indexOf(10, at);
    const [index, size, note] = all.toString('latin1', at, end).split(' ');
    const begin = end + 1;
    yield {index: Number(index), note, bytes: all.subarray(begin, begin + Number(size))};
    at = begin + Number(size) + 1;
  }
}

// How two lists of messages relate.
function relate(strict, other) {
  for (let i = 0; i < Math.min(strict.length, other.length); ++i) {
    if (strict[i] !== other[i]) return 'reads another message';
  }
  if (strict.length === other.length) return 'reads as many';
  return strict.length < other.length ? 'reads more' : 'reads less';
}

function requestDifference(strict, record) {
  const seen = read(HTTPParser.REQUEST, record.bytes, {});
  const relation = relate(strict.messages, seen.messages.map(m => `${m.method} ${m.body}`));
  const ours = strict.fault || (strict.partial ? 'within a message' : 'complete');
  let theirs = seen.complaint || (seen.open ? 'within a message' : 'complete');
  // Bytes behind a message that closes are nothing to either.
  if (seen.complaint === 'HPE_CLOSED_CONNECTION') theirs = 'complete';
  const both = strict.fault !== '' && seen.complaint !== '';
  if (relation === 'reads as many' && (ours === theirs || both)) return '';
  if (relation === 'reads less') return `llhttp stops where the strict reader goes on: ${theirs}`;
  if (relation === 'reads more') return `llhttp goes on where the strict reader stops: ${ours}`;
  return `llhttp ${relation}, then: "${theirs}", strict reader: "${ours}"`;
}

function answerDifference(strict, record) {
  const options = {head: record.note.startsWith('HEAD'), ends: record.note.endsWith('+close')};
  const seen = read(HTTPParser.RESPONSE, record.bytes, options);
  const final = seen.messages.find(m => m.status >= 200);
  const theirs = final ? `${final.status} ${final.body}` : '';
  const ours = strict.fault ? '' : `${strict.status} ${strict.body}`;
  if (ours === theirs) return '';
  if (ours && theirs) return `reads another answer: ${ours === theirs ? '' : relateAnswers(strict, final)}`;
  if (ours) return `reads less: llhttp "${seen.complaint || 'waits for more'}"`;
  return `reads more: "${strict.fault}"`;
}

function relateAnswers(strict, final) {
  return strict.status === String(final.status) ? 'another body' : 'another status';
}

function compare(directory, name, differ, explanations) {
  const lines = fs.readFileSync(path.join(directory, `${name}.json`), 'utf8').split('\n');
  const found = new Map();
  let count = 0;
  for (const record of records(path.join(directory, name))) {
    const strict = JSON.parse(lines[count++]);
    if (strict.index !== record.index) throw new Error('the files do not belong together');
    const what = differ(strict, record);
    if (!what) continue;
    const entry = found.get(what) || {times: 0, first: record.index};
    ++entry.times;
    found.set(what, entry);
  }
  let good = count > 0;
  console.log(`${count} ${name}, read otherwise by llhttp ${process.versions.llhttp}:`);
  for (const [what, entry] of [...found].sort((a, b) => b[1].times - a[1].times)) {
    const why = explanations.find(([pattern]) => pattern.test(what));
    good = good && why !== undefined;
    console.log(`${String(entry.times).padStart(9)}  ${what} (first: ${entry.first})`);
    console.log(`           ${why ? why[1] : 'NOT EXPLAINED'}`);
  }
  return good;
}

const [program, payloads = '20000', seed = '1'] = process.argv.slice(2);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penstock-llhttp-'));
try {
  childProcess.execFileSync(program, ['--payloads', payloads, '--seed', seed, '--write', directory]);
  const requests = compare(directory, 'requests', requestDifference, requestDifferences);
  const answers = compare(directory, 'answers', answerDifference, answerDifferences);
  process.exitCode = requests && answers ? 0 : 1;
} finally {
  fs.rmSync(directory, {recursive: true});
}
