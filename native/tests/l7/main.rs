//! Application protocols from the outside: payload in, rows out.

mod brpc;
mod capture;
mod cases;
mod dns;
mod dubbo;
mod flow;
mod hostile;
mod http1;
mod http2;
mod memcached;
mod mongodb;
mod mqtt;
mod mysql;
mod nats;
mod postgresql;
mod redis;
mod rows;
mod sip;
mod smtp;
mod sofarpc;
mod ssh;
mod table;
mod tars;
mod tls;
mod websocket;
