// http_node.js - a server of static files on node's http and fs, as their
// documentation shows.
//
//     node http_node.js readFile|createReadStream DIRECTORY
//
// It prints its URL. readFile reads the whole file into memory;
// createReadStream is piped into the response.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { pipeline } = require('node:stream');

const [way, root] = process.argv.slice(2);

function notFound(response) {
	response.writeHead(404);
	response.end();
}

function readWhole(name, response) {
	fs.readFile(name, (error, data) => {
		if (error)
			return notFound(response);
		response.writeHead(200, {
			'Content-Type': 'text/plain',
			'Content-Length': data.length,
		});
		response.end(data);
	});
}

function streamIt(name, response) {
	const file = fs.createReadStream(name);
	const onError = () => notFound(response);

	file.once('error', onError);
	file.once('open', () => {
		file.off('error', onError);
		response.writeHead(200, { 'Content-Type': 'text/plain' });
		// An error is a client that has gone: both ends are destroyed.
		pipeline(file, response, () => {});
	});
}

const serve = way === 'readFile' ? readWhole : streamIt;

const server = http.createServer((request, response) => {
	serve(path.join(root, path.normalize(request.url)), response);
});

server.listen(0, '127.0.0.1', () => {
	console.log(`http://127.0.0.1:${server.address().port}/`);
});
