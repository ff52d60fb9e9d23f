// Chromium as users have it: a page over https and HTTP/2, and the websocket that the page opens
// on the same connection (RFC 8441). The page reports to the origin what it saw.
#include "support/certificate.hpp"
#include "support/probe.hpp"
#include "support/real_origin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace penstock::test {
namespace {

// What the page does: an echo, a large one, pings of the origin in between (a browser answers
// them by itself), and a close with a code.
constexpr const char* page = R"(<!doctype html><script>
const said = [];
const report = (text) => fetch('/report?' + encodeURIComponent(text));
const socket = new WebSocket('wss://' + location.host + '/echo', 'chat');
socket.binaryType = 'arraybuffer';
socket.onopen = () => socket.send('hello');
socket.onerror = () => report('failed');
socket.onclose = (event) => report(said.join(',') + ' closed ' + event.code + ' ' + event.reason);
socket.onmessage = (event) => {
  said.push(typeof event.data === 'string' ? event.data : event.data.byteLength);
  if (said.length === 1) socket.send(new Uint8Array(60000));
  if (said.length === 2) socket.send('pings?');
  if (said.length === 3) socket.close(4001, 'enough');
};
</script>)";

// An echo origin by RFC 6455, small: frames of one piece, and a ping in front of each answer.
constexpr const char* echo = R"(
server.on('upgrade', (request, socket) => {
  const accept = require('crypto').createHash('sha1').update(
    request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Accept: ' + accept + '\r\n\r\n');
  let held = Buffer.alloc(0);
  let pongs = 0;
  const say = (opcode, data) => {
    const head = data.length < 126 ? Buffer.from([0x80 | opcode, data.length])
      : Buffer.from([0x80 | opcode, 126, data.length >> 8, data.length & 255]);
    socket.write(Buffer.concat([head, data]));
  };
  const hear = (opcode, data) => {
    if (opcode === 10) { pongs += 1; return; }
    if (opcode === 8) { say(8, data); socket.end(); return; }
    if (data.toString() === 'pings?') data = Buffer.from('pongs ' + pongs);
    say(opcode, data);
    say(9, Buffer.from('there?'));
  };
  socket.on('error', () => {});
  socket.on('data', (piece) => {
    held = Buffer.concat([held, piece]);
    while (held.length >= 6) {
      let size = held[1] & 127, at = 2;
      if (size === 126) { size = held.readUInt16BE(2); at = 4; }
      if (held.length < at + 4 + size) return;
      const mask = held.subarray(at, at + 4);
      const data = Buffer.from(held.subarray(at + 4, at + 4 + size));
      for (let i = 0; i < size; ++i) data[i] ^= mask[i & 3];
      const opcode = held[0] & 15;
      held = held.subarray(at + 4 + size);
      hear(opcode, data);
    }
  });
});)";

std::string answer() {
    return "if (request.url.startsWith('/report?')) {\n"
           "  console.log('reported ' + decodeURIComponent(request.url.slice(8)));\n"
           "  response.end(); return; }\n"
           "response.setHeader('content-type', 'text/html');\n"
           "response.end(`" +
           std::string(page) + "`);";
}

bool has_chromium() { return run({"sh", "-c", "command -v chromium"}).status.code == 0; }

TEST(Browser, OpensAWebsocketOnItsHttp2Connection) {
    if (!has_chromium())
        GTEST_SKIP() << "chromium is not installed";
    node_origin origin(answer(), echo);
    const temp_dir dir;
    const certificate_files files = write_certificate(dir, "a.test");
    daemon proxy(
        "workers: 1\nadmin: {bind: \"127.0.0.1:0\"}\nlog: {access: {path: \"-\"}}\n"
        "listeners: {web: {bind: \"127.0.0.1:0\", tls: {certificates: [{cert: \"" +
        files.cert + "\", key: \"" + files.key +
        "\"}]}}}\nroutes: [{upstream: app}]\nupstreams: {app: {endpoints: [\"" + origin.address() +
        "\"]}}\n");
    const std::string url = "https://127.0.0.1:" + std::to_string(proxy.port("web")) + "/";
    const process browser({"chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                           "--disable-dev-shm-usage", "--disable-background-networking",
                           "--no-first-run", "--ignore-certificate-errors", "--no-proxy-server",
                           "--user-data-dir=" + dir.path("profile"), "--remote-debugging-port=0",
                           url});
    const std::string reported = origin.running().wait_for("reported ", 60s);
    // The first ping stands in front of the second answer; the second ping is behind it.
    EXPECT_THAT(reported,
                testing::MatchesRegex("reported hello,60000,pongs [12] closed 4001 enough"));
    const std::string line = proxy.running().wait_for("\"url.path\":\"/echo\"");
    EXPECT_EQ(text_in(line, "network.protocol.version"), "2") << line;
    EXPECT_EQ(text_in(line, "penstock.reason"), "none") << line;
    EXPECT_EQ(number_in(line, "http.response.status_code"), 200) << line;
}

}  // namespace
}  // namespace penstock::test
