// One client of the example server that @tars/rpc brings: calls, a function that is not there, a servant that is not there, TUP over a bare socket.
const example = process.argv[2];
const port = 14002;
const tars = require(example + "/../../../protal.js").client;
const stream = require("@tars/stream");
const net = require("net");
const Proxy = require(example + "/client.node.proxy/NodeTarsProxy").tars.NodeTarsProxy;
const call = (object, name, ...args) => new Promise((done) => {
  const proxy = tars.stringToProxy(Proxy, `${object}@tcp -h 127.0.0.1 -p ${port} -t 10000`);
  proxy.setTimeout(500);
  const request = proxy[name] ? proxy[name](...args) : proxy.rpc_call ? null : null;
  request.then((result) => { console.log(name, result.response.return); done(); }, (result) => { console.log(name, result.response && result.response.error); done(); }).done();
});
const raw = (object, method) => new Promise((done) => {
  const proxy = tars.stringToProxy(Proxy, `${object}@tcp -h 127.0.0.1 -p ${port} -t 10000`);
  proxy._worker.tars_invoke(method, new stream.TarsOutputStream().getBinBuffer(), { context: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x-request-id": "r-5" } })
    .then((result) => { console.log(method, "ok"); done(); }, (result) => { console.log(method, result.response && result.response.error); done(); }).done();
});
const tup = () => new Promise((done) => {
  const socket = net.connect(port, "127.0.0.1", () => {
    const message = new stream.Tup();
    message.tupVersion = stream.Tup.TUP_COMPLEX;
    message.servantName = "TARS.NodeTarsServer.NodeTarsObj";
    message.funcName = "getUsrName";
    message.requestId = 123456;
    message.writeString("sUsrName", "someone"); message.writeString("sValue1", "one"); message.writeString("sValue2", "two");
    socket.write(message.encode().toNodeBuffer());
  });
  socket.on("data", () => { socket.end(); done(); });
  setTimeout(done, 1000);
});
const OBJECT = "TARS.NodeTarsServer.NodeTarsObj";
(async () => {
  await call(OBJECT, "getUsrName", "someone");
  await call(OBJECT, "getUsrName", "x".repeat(300));
  await Promise.all([1, 2, 3].map((n) => call(OBJECT, "getUsrName", "user" + n)));
  await raw(OBJECT, "tars_ping").catch(console.log);
  await raw(OBJECT, "missing").catch(console.log);
  await raw("TARS.NodeTarsServer.OtherObj", "tars_ping").catch(console.log);
  await tup();
  process.exit(0);
})();
