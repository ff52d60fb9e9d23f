// Why llhttp reads some messages otherwise than the strict reader. Each was looked at; none lets
// Penstock, which reads like the strict reader, pass on what llhttp would read as another message.
'use strict';

const upgrades = 'to llhttp what stands behind a request with Upgrade belongs to the upgrade';

exports.requestDifferences = [
  [/goes on: HPE_INVALID_VERSION/, 'llhttp refuses minor versions above 1 (RFC 9110 §2.5)'],
  [/goes on: HPE_INVALID_METHOD/, 'llhttp knows a list of methods, any token is one (RFC 9110 §9.1)'],
  [/goes on: HPE_INVALID_CHUNK_SIZE/, 'llhttp refuses white space around an extension (RFC 9112 §7.1.1)'],
  [/goes on: HPE_INVALID_URL/, 'the reader leaves the target to others; Penstock refuses these too'],
  [/goes on: HPE_INVALID_CONTENT_LENGTH/, 'llhttp refuses a tab behind the number; it is white space (RFC 9110 §5.5)'],
  [/goes on: HPE_INVALID_TRANSFER_ENCODING/,
   'to llhttp a tab behind "chunked" is a part of the coding; Penstock writes its own line'],
  [/goes on: HPE_HEADER_OVERFLOW/, "Node's limit for a head, 16 KiB, is below Penstock's"],
  [/goes on: HPE_STRICT/, 'llhttp refuses white space around an extension (RFC 9112 §7.1.1)'],
  [/goes on: (complete|within a message)/, upgrades],
  [/stops: the first line is malformed/, 'llhttp takes requests without a version, and more empty lines'],
  [/stops: a line ends without CR/, 'llhttp takes a bare LF behind the request line'],
  [/stops: complete/, 'llhttp overlooks close with a tab behind it; Penstock closes'],
  [/stops: more than one field/, 'llhttp lets Transfer-Encoding stand twice, and beside some lengths'],
  [/stops: Transfer-Encoding is not chunked/, 'llhttp takes chunked with HTTP/1.0, and any list ending in it'],
  [/stops: a CR within a line/, 'llhttp skips CR and LF before a request'],
  [/stops: (a chunk's size|a chunk extension|a control byte|a field's name)/,
   'llhttp is lenient about chunk extensions and values'],
  [/reads as many, then: "HPE_[A-Z_]*", strict reader: "within a message"/,
   'llhttp refuses with the first bytes what the reader would refuse with the rest'],
  [/reads as many, then: "within a message", strict reader: "(a|more|Content|Transfer|the first)/,
   'llhttp waits with its complaint, or ' + upgrades],
  [/reads as many, then: "complete", strict reader: "/, upgrades],
];

exports.answerDifferences = [
  [/reads less: llhttp "HPE_CR_EXPECTED"/, 'llhttp refuses heads of which every line ends in bare LF'],
  [/reads less: llhttp "HPE_INVALID_VERSION"/, 'llhttp refuses minor versions above 1 (RFC 9110 §2.5)'],
  [/reads less: llhttp "HPE_(INVALID_CHUNK_SIZE|STRICT)"/, 'llhttp refuses blanks behind the size of a chunk'],
  [/reads more: "a head's lines end in two ways"/, 'llhttp takes some bare LF among lines that end in CRLF'],
  [/reads less: llhttp "HPE_(INVALID|UNEXPECTED)_CONTENT_LENGTH"/,
   'the reader does not look at lengths where there is no body, or only white space differs'],
  [/reads less: llhttp "HPE_INVALID_TRANSFER_ENCODING"/,
   'the reader does not look at codings where there is no body'],
  [/reads less: llhttp "HPE_CLOSED_CONNECTION"/, 'llhttp obeys close in an interim answer'],
  [/reads less: llhttp "waits for more"/,
   'to llhttp a tab behind "chunked" makes another coding, which ends with the connection; ' +
   'Penstock writes its own line'],
  [/reads another answer: another body/,
   'to llhttp a tab behind "chunked" makes another coding, which ends with the connection'],
  [/reads more: "a CR within a line"/, 'llhttp takes several CR behind the status line'],
  [/reads more: "more than one field/, 'llhttp lets Transfer-Encoding stand twice, and beside some lengths'],
  [/reads more: "the first line is malformed"/, 'llhttp skips empty lines, and takes other versions'],
  [/reads more: "Transfer-Encoding is not chunked"/, 'llhttp reads unknown codings to the end'],
  [/reads more: "the stream ends within a message"/,
   'to llhttp a tab behind "chunked" makes another coding, which ends with the connection'],
  [/reads more: "a chunk extension"/, 'llhttp is lenient about chunk extensions'],
  [/reads more: "a line ends without CR"/, 'llhttp skips CR and LF before an answer'],
];
