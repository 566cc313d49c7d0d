// node.js - as parse.c, with the parser of node: read messages from standard
// input, each with its size before it in four bytes, and print what the parser
// makes of the first request in each: one line of hexadecimal words.
'use strict';

process.noDeprecation = true;
const { HTTPParser, methods } = process.binding('http_parser');

function word(kind, text) {
	return ' ' + kind + Buffer.from(text, 'latin1').toString('hex');
}

function fields(list, name, value) {
	let line = '';
	for (let i = 0; i < list.length; i += 2)
		line += word(name, list[i]) + word(value, list[i + 1]);
	return line;
}

function parse(message) {
	const parser = new HTTPParser();
	let line = '';
	let hasHead = false;
	let isDone = false;
	let early = []; // fields that come before the head is complete: the 32nd
	let target = '';

	parser.initialize(HTTPParser.REQUEST, {});
	parser[HTTPParser.kOnHeaders | 0] = (list, url) => {
		if (isDone)
			return;
		if (hasHead) {
			line += fields(list, 'n', 'v');
			return;
		}
		early = early.concat(list);
		target += url;
	};
	parser[HTTPParser.kOnHeadersComplete | 0] =
		(major, minor, list, method, url) => {
			if (isDone)
				return 0;
			hasHead = true;
			line += word('M', methods[method]) +
				word('T', url === undefined ? target : url) +
				fields(list === undefined ? early : list, 'N', 'V');
			return 0;
		};
	parser[HTTPParser.kOnBody | 0] = (bytes, start, size) => {
		if (!isDone)
			line += ' B' + (start === undefined ? bytes :
				bytes.subarray(start, start + size)).toString('hex');
	};
	parser[HTTPParser.kOnMessageComplete | 0] = () => {
		isDone = true;
	};
	const result = parser.execute(message);
	parser.close();
	if (isDone)
		return line + ' end';
	if (result instanceof Error)
		return ' refused 400 ' + result.code;
	return line + ' more';
}

const input = require('fs').readFileSync(0);
const lines = [];
for (let at = 0; at < input.length;) {
	const size = input.readUInt32BE(at);
	lines.push(parse(input.subarray(at + 4, at + 4 + size)));
	at += 4 + size;
}
process.stdout.write(lines.join('\n') + '\n');
