//! Protocols written in Python: the class of an operator as a [`Parser`], and the loop of the process that runs it.
//!
//! What the class gives is described in `agent/custom/contract.py`; nothing of it is trusted: what raises, or is not what was asked for, counts as
//! bytes that made no sense.

use crate::custom::{self, Socket};
use crate::l7::table::{PROTOCOLS, Pairing, Protocol, TCP, UDP};
use crate::l7::{Body, Facts, Guess, Input, Kind, Opening, Parser, Resync, Slot, Status, Step};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The class; a process reads one protocol.
static CLASS: OnceLock<Py<PyAny>> = OnceLock::new();
/// Failures that were shown with where they came from.
static SHOWN: AtomicU32 = AtomicU32::new(0);
const MAX_SHOWN: u32 = 20;

/// What `parse` is given.
#[pyclass(name = "ProtocolInput", module = "weir_native", frozen)]
pub struct PyInput {
    /// Unread bytes of one direction, or one datagram.
    #[pyo3(get)]
    data: Py<PyBytes>,
    #[pyo3(get)]
    from_client: bool,
    #[pyo3(get)]
    datagram: bool,
    /// No more bytes will be kept: `More` gives up this message.
    #[pyo3(get)]
    full: bool,
    /// `(request_type, note)` of the oldest request that waits for its response.
    #[pyo3(get)]
    waiting: Option<(String, u32)>,
    #[pyo3(get)]
    obfuscate: bool,
}

/// What `guess` is given.
#[pyclass(name = "ProtocolOpening", module = "weir_native", frozen)]
pub struct PyOpening {
    #[pyo3(get)]
    data: Py<PyBytes>,
    #[pyo3(get)]
    from_client: bool,
    #[pyo3(get)]
    client_port: u16,
    #[pyo3(get)]
    server_port: u16,
    #[pyo3(get)]
    is_tcp: bool,
}

/// Reads the protocol of `protocol` (a subclass of `agent.custom.Protocol`) for the engine at the other end of each socket, until all are closed.
#[pyfunction]
pub fn serve_protocol(py: Python<'_>, protocol: Bound<'_, PyAny>, sockets: Vec<i32>) -> PyResult<()> {
    let row = described(&protocol)?;
    if CLASS.set(protocol.unbind()).is_err() {
        return Err(PyRuntimeError::new_err("a process reads one protocol, and this one has begun"));
    }
    // SAFETY: the caller gives its descriptors away.
    let sockets: Vec<Socket> = sockets.into_iter().map(|descriptor| unsafe { custom::own(descriptor) }).collect();
    let served = py.detach(|| custom::serve(row, sockets));
    served.map_err(|error| PyOSError::new_err((error.raw_os_error(), error.to_string())))
}

/// A row of the table for a class.
fn described(class: &Bound<'_, PyAny>) -> PyResult<&'static Protocol> {
    let name: String = class.getattr("name")?.extract()?;
    if name.is_empty() || name.len() > 64 || PROTOCOLS.iter().any(|protocol| protocol.name.eq_ignore_ascii_case(&name)) {
        return Err(PyValueError::new_err(format!(
            "{name:?} cannot be a protocol's name: it is too long, or Weir reads one of that name itself"
        )));
    }
    let transports = class.getattr("transports")?.try_iter()?.map(|each| {
        let each: String = each?.extract()?;
        match each.as_str() {
            "tcp" => Ok(TCP),
            "udp" => Ok(UDP),
            _ => Err(PyValueError::new_err(format!("transports are tcp and udp, not {each:?}"))),
        }
    });
    let transports = transports.collect::<PyResult<Vec<u8>>>()?;
    if transports.is_empty() {
        return Err(PyValueError::new_err("transports names tcp or udp, or both"));
    }
    let pairing = match class.getattr("pairing")?.extract::<String>()?.as_str() {
        "in_order" => Pairing::InOrder,
        "by_key" => Pairing::ByKey,
        other => return Err(PyValueError::new_err(format!("pairing is in_order or by_key, not {other:?}"))),
    };
    // One for each process, for as long as it lives.
    Ok(Box::leak(Box::new(Protocol {
        id: custom::ID,
        name: custom::intern(&name),
        folder: "",
        transports: Box::leak(transports.into_boxed_slice()),
        pairing,
        guess,
        parser,
    })))
}

fn class(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    CLASS.get().map(|class| class.bind(py).clone())
}

/// Shows what went wrong in the operator's code; he reads it in the agent's log.
#[cold]
fn show(py: Python<'_>, error: &PyErr) {
    let shown = SHOWN.fetch_add(1, Ordering::Relaxed);
    if shown < MAX_SHOWN {
        error.display(py);
    } else if shown == MAX_SHOWN {
        eprintln!("further failures of this parser are not shown");
    }
}

fn guess(opening: &Opening<'_>) -> Guess {
    Python::attach(|py| {
        let asked = PyOpening {
            data: PyBytes::new(py, opening.bytes).unbind(),
            from_client: opening.from_client,
            client_port: opening.client_port,
            server_port: opening.server_port,
            is_tcp: opening.transport == TCP,
        };
        let said = class(py).map(|class| {
            let said: PyResult<String> = class
                .call_method1("guess", (asked,))
                .and_then(|said| said.getattr("value"))
                .and_then(|value| value.extract());
            said
        });
        match said {
            Some(Ok(said)) => match said.as_str() {
                "yes" => Guess::Yes,
                "reversed" => Guess::Reversed,
                "maybe" => Guess::Maybe,
                _ => Guess::No,
            },
            Some(Err(error)) => {
                show(py, &error);
                Guess::No
            }
            None => Guess::No,
        }
    })
}

fn parser(_: &Opening<'_>) -> Box<dyn Parser> {
    let object = Python::attach(|py| match class(py)?.call0() {
        Ok(object) => Some(object.unbind()),
        Err(error) => {
            show(py, &error);
            None
        }
    });
    Box::new(Instance { object })
}

/// One flow's instance of the class; none where it could not be made.
struct Instance {
    object: Option<Py<PyAny>>,
}

impl Instance {
    /// What a method gave and `read` made of it; `None` where that failed.
    fn ask<T>(&self, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Option<T> {
        let object = self.object.as_ref()?;
        Python::attach(|py| match call(object.bind(py)) {
            Ok(value) => Some(value),
            Err(error) => {
                show(py, &error);
                None
            }
        })
    }
}

impl Parser for Instance {
    fn parse(&mut self, input: Input<'_>, facts: &mut Facts) -> Step {
        let step = self.ask(|object| {
            let py = object.py();
            let asked = PyInput {
                data: PyBytes::new(py, input.bytes).unbind(),
                from_client: input.from_client,
                datagram: input.datagram,
                full: input.full,
                waiting: input
                    .waiting
                    .map(|waiting| (waiting.get(Slot::RequestType).to_owned(), waiting.note)),
                obfuscate: input.settings.obfuscate,
            };
            step(&object.call_method1("parse", (asked,))?, facts)
        });
        match step {
            Some(step) => step,
            None if self.object.is_none() => Step::Stop,
            None => Step::Lost { size: input.bytes.len() },
        }
    }

    fn resync(&mut self, from_client: bool, bytes: &[u8]) -> Resync {
        let found = self.ask(|object| {
            let found = object.call_method1("resync", (PyBytes::new(object.py(), bytes), from_client))?;
            if found.is_none() {
                return Ok(Resync::Drop(bytes.len()));
            }
            if let Ok(offset) = found.extract::<usize>() {
                return Ok(Resync::At(offset));
            }
            Ok(Resync::Drop(found.getattr("offset")?.extract()?))
        });
        found.unwrap_or(Resync::Drop(bytes.len()))
    }

    fn gap(&mut self, from_client: bool, missing: u64) -> bool {
        let goes_on = self.ask(|object| object.call_method1("gap", (missing, from_client))?.extract());
        goes_on.unwrap_or(false)
    }

    fn cut(&mut self, from_client: bool, facts: &mut Facts) -> Option<Kind> {
        self.ask(|object| {
            let message = object.call_method1("cut", (from_client,))?;
            if message.is_none() {
                return Ok(None);
            }
            fill(&message, facts)?;
            kind(&message).map(Some)
        })?
    }
}

/// What `parse` answered.
fn step(said: &Bound<'_, PyAny>, facts: &mut Facts) -> PyResult<Step> {
    let name: String = said.get_type().getattr("step")?.extract()?;
    let number = |name: &str| said.getattr(name)?.extract::<usize>();
    Ok(match name.as_str() {
        "more" => Step::More,
        "took" => Step::Took { size: number("size")? },
        "skip" => Step::Skip { size: number("size")? },
        "lost" => Step::Lost { size: number("size")? },
        "stop" => Step::Stop,
        "message" => {
            fill(said, facts)?;
            let body = said.getattr("body")?;
            let body = if let Ok(length) = body.extract::<u64>() {
                Body::Bytes(length)
            } else {
                match body.extract::<&str>()? {
                    "until_close" => Body::UntilClose,
                    "parts" => Body::Parts,
                    other => {
                        return Err(PyValueError::new_err(format!(
                            "a body is a number of bytes, until_close or parts, not {other:?}"
                        )));
                    }
                }
            };
            Step::Message {
                size: number("size")?,
                kind: kind(said)?,
                body,
            }
        }
        "part" => Step::Part {
            size: number("size")?,
            content: number("content")?,
            key: said.getattr("key")?.extract()?,
            end: said.getattr("end")?.extract()?,
        },
        "tail" | "closed" => {
            fill(said, facts)?;
            let (size, key) = (number("size")?, facts.key);
            if name == "tail" {
                Step::Tail { size, key }
            } else {
                Step::Closed { size, key }
            }
        }
        "switch" => {
            let wanted: String = said.getattr("protocol")?.extract()?;
            let found = PROTOCOLS.iter().find(|protocol| protocol.name == wanted);
            let protocol = found.ok_or_else(|| PyValueError::new_err(format!("there is no protocol {wanted:?} to switch to")))?;
            Step::Switch {
                size: number("size")?,
                protocol: protocol.id,
                key: said.getattr("key")?.extract()?,
            }
        }
        other => return Err(PyTypeError::new_err(format!("parse answers a step, not {other:?}"))),
    })
}

fn kind(said: &Bound<'_, PyAny>) -> PyResult<Kind> {
    Ok(match said.getattr("kind")?.getattr("value")?.extract::<&str>()? {
        "request" => Kind::Request,
        "response" => Kind::Response,
        "notice" => Kind::Notice,
        other => {
            return Err(PyValueError::new_err(format!(
                "a message is a request, a response or a notice, not {other:?}"
            )));
        }
    })
}

/// The texts of a message: name in Python → slot.
const TEXTS: [(&str, Slot); 14] = [
    ("version", Slot::Version),
    ("request_type", Slot::RequestType),
    ("domain", Slot::Domain),
    ("resource", Slot::Resource),
    ("endpoint", Slot::Endpoint),
    ("exception", Slot::Exception),
    ("result", Slot::Result),
    ("trace_id", Slot::TraceId),
    ("span_id", Slot::SpanId),
    ("parent_span_id", Slot::ParentSpanId),
    ("x_request_id", Slot::XRequestId),
    ("proxy_client", Slot::ProxyClient),
    ("user_agent", Slot::UserAgent),
    ("referer", Slot::Referer),
];

/// What a message says.
fn fill(said: &Bound<'_, PyAny>, facts: &mut Facts) -> PyResult<()> {
    let said = said.getattr("facts")?;
    for (name, slot) in TEXTS {
        let text = said.getattr(name)?;
        if text.is_truthy()? {
            put(facts, slot, &text)?;
        }
    }
    facts.key = said.getattr("key")?.extract()?;
    facts.request_id = said.getattr("request_id")?.extract()?;
    facts.code = said.getattr("code")?.extract()?;
    facts.length = said.getattr("length")?.extract()?;
    facts.affected_rows = said.getattr("affected_rows")?.extract()?;
    facts.is_async = said.getattr("is_async")?.extract()?;
    facts.until_end = said.getattr("until_end")?.extract()?;
    facts.note = said.getattr("note")?.extract()?;
    facts.status = match said.getattr("status")?.getattr("value")?.extract::<&str>()? {
        "ok" => Status::Ok,
        "client_error" => Status::ClientError,
        "server_error" => Status::ServerError,
        _ => Status::Unknown,
    };
    for (key, value) in said.getattr("attributes")?.cast::<PyDict>()?.iter() {
        facts.attribute(key.extract::<&str>()?, value.str()?.to_str()?.as_bytes());
    }
    Ok(())
}

fn put(facts: &mut Facts, slot: Slot, text: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(text) = text.cast::<PyString>() {
        facts.put(slot, text.to_str()?.as_bytes());
    } else {
        facts.put(slot, text.extract::<&[u8]>()?);
    }
    Ok(())
}
