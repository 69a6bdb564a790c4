//! `Engine`: packets in, batches out.

use super::batch::PyBatch;
use crate::capture::{Excluded, Settings, Worker};
use crate::custom::{self, Dead, Endpoint, Health, Socket};
use crate::engine::replay::Replay;
use crate::engine::{Config, Pattern};
use crate::l7::L7Settings;
use crate::l7::table::PROTOCOLS;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Packets of a file or of this machine become rows.
#[pyclass(name = "Engine", module = "weir_native", frozen)]
pub struct PyEngine {
    config: Mutex<Config>,
    worker: Mutex<Option<Arc<Worker>>>,
    /// Processes that read protocols, for the capture or the replay to come.
    waiting: Mutex<Vec<Endpoint>>,
}

/// The batches of one capture file.
#[pyclass(name = "Replay", module = "weir_native", frozen)]
pub struct PyReplay {
    inner: Mutex<Replay>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What a panic left behind is still the only state there is.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl PyEngine {
    #[new]
    #[pyo3(signature = (config=None))]
    fn new(config: Option<&Bound<'_, PyDict>>) -> PyResult<PyEngine> {
        let config = config.map_or_else(|| Ok(Config::default()), |values| configured(Config::default(), values))?;
        Ok(PyEngine {
            config: Mutex::new(config),
            worker: Mutex::new(None),
            waiting: Mutex::default(),
        })
    }

    #[pyo3(signature = (*, ring_mib=8, fanout=1, exclude=Vec::new(), netns=Vec::new()))]
    fn start(
        &self,
        py: Python<'_>,
        ring_mib: usize,
        fanout: u16,
        exclude: Vec<(String, u16)>,
        netns: Vec<(String, PathBuf)>,
    ) -> PyResult<()> {
        if !(1..=1024).contains(&ring_mib) || !(1..=64).contains(&fanout) {
            return Err(PyValueError::new_err("ring_mib is 1 to 1024, fanout 1 to 64"));
        }
        let excluded = exclude.into_iter().map(excluded).collect::<PyResult<Vec<_>>>()?;
        if locked(&self.worker).is_some() {
            return Err(PyRuntimeError::new_err("the engine is running"));
        }
        let settings = Settings {
            ring_bytes: ring_mib << 20,
            fanout,
            excluded,
            netns,
        };
        let config = locked(&self.config).clone();
        // No lock is held meanwhile: whoever waits for it may hold the GIL, which is needed to come back.
        let started = py.detach(|| Worker::start(config, settings));
        let started = started.map_err(|error| PyOSError::new_err((error.raw_os_error(), format!("cannot capture packets: {error}"))))?;
        *locked(&self.worker) = Some(Arc::new(started));
        Ok(())
    }

    fn connect_protocol(&self, place: u16, ports: Vec<(u16, u16)>, sockets: Vec<i32>) -> PyResult<()> {
        // SAFETY: the caller gives its descriptors away.
        let sockets: Vec<Socket> = sockets.into_iter().map(|descriptor| unsafe { custom::own(descriptor) }).collect();
        let endpoints = sockets.into_iter().map(|socket| Endpoint {
            place,
            ports: ports.clone(),
            socket,
        });
        match &*locked(&self.worker) {
            Some(worker) if endpoints.len() == worker.lanes() => worker.connect(endpoints.collect()),
            None if endpoints.len() == 1 => {
                let mut waiting = locked(&self.waiting);
                waiting.retain(|endpoint| endpoint.place != place);
                waiting.extend(endpoints);
            }
            _ => {
                return Err(PyValueError::new_err(
                    "a running engine takes a socket for each thread, one that does not run takes one",
                ));
            }
        }
        Ok(())
    }

    fn disconnect_protocol(&self, place: u16) {
        locked(&self.waiting).retain(|endpoint| endpoint.place != place);
        if let Some(worker) = &*locked(&self.worker) {
            worker.disconnect(place);
        }
    }

    fn protocol_health(&self) -> Vec<(u16, &'static str)> {
        let health = locked(&self.worker).as_ref().map(|worker| worker.protocol_health());
        said(health.unwrap_or_default())
    }

    fn set_netns(&self, netns: Vec<(String, PathBuf)>) -> PyResult<()> {
        self.running()?.set_netns(netns);
        Ok(())
    }

    fn reconfigure(&self, config: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut held = locked(&self.config);
        *held = configured(held.clone(), config)?;
        if let Some(worker) = &*locked(&self.worker) {
            worker.configure(&held);
        }
        Ok(())
    }

    #[pyo3(signature = (timeout_ms=0))]
    fn drain(&self, py: Python<'_>, timeout_ms: u64) -> PyResult<Vec<PyBatch>> {
        let worker = self.running()?;
        let batches = py.detach(|| worker.drain(Duration::from_millis(timeout_ms.min(3_600_000))));
        let batches = batches.ok_or_else(|| PyRuntimeError::new_err("the engine thread ended by itself"))?;
        Ok(batches.into_iter().map(PyBatch::from).collect())
    }

    fn stats(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.worker)
            .as_ref()
            .map_or_else(BTreeMap::new, |worker| worker.counters().into_iter().collect())
    }

    fn stop(&self, py: Python<'_>) -> Vec<PyBatch> {
        let Some(worker) = locked(&self.worker).take() else {
            return Vec::new();
        };
        py.detach(|| worker.stop()).into_iter().map(PyBatch::from).collect()
    }

    fn replay(&self, py: Python<'_>, path: PathBuf) -> PyResult<PyReplay> {
        let config = locked(&self.config).clone();
        let endpoints = std::mem::take(&mut *locked(&self.waiting));
        let replay = py
            .detach(|| Replay::open(&path, config, endpoints))
            .map_err(|error| refused(&path, &error))?;
        Ok(PyReplay { inner: Mutex::new(replay) })
    }
}

impl PyEngine {
    fn running(&self) -> PyResult<Arc<Worker>> {
        locked(&self.worker)
            .clone()
            .ok_or_else(|| PyRuntimeError::new_err("the engine is not running"))
    }
}

fn said(health: Vec<(u16, Health)>) -> Vec<(u16, &'static str)> {
    let word = |health| match health {
        Health::Starting => "starting",
        Health::Running => "running",
        Health::Dead(Dead::Gone) => "gone",
        Health::Dead(Dead::Stuck) => "stuck",
        Health::Dead(Dead::Nonsense) => "nonsense",
    };
    health.into_iter().map(|(place, health)| (place, word(health))).collect()
}

fn excluded((address, port): (String, u16)) -> PyResult<Excluded> {
    let ip: IpAddr = address
        .parse()
        .map_err(|_| PyValueError::new_err(format!("not an address: {address:?}")))?;
    Ok(Excluded { ip, port })
}

fn refused(path: &std::path::Path, error: &std::io::Error) -> PyErr {
    let text = format!("{}: {error}", path.display());
    if error.kind() == std::io::ErrorKind::InvalidData {
        PyValueError::new_err(text)
    } else {
        PyOSError::new_err((error.raw_os_error(), text))
    }
}

#[pymethods]
impl PyReplay {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyBatch>> {
        let batch = py
            .detach(|| locked(&self.inner).next_batch())
            .map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(batch.map(PyBatch::from))
    }

    fn protocol_health(&self) -> Vec<(u16, &'static str)> {
        said(locked(&self.inner).protocol_health())
    }

    /// Counters so far.
    fn stats(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.inner).counters().into_iter().collect()
    }
}

/// `base` with the values of a Python dictionary.
fn configured(mut base: Config, values: &Bound<'_, PyDict>) -> PyResult<Config> {
    for (key, value) in values.iter() {
        let name: String = key.extract()?;
        match name.as_str() {
            "agent_id" => base.agent_id = value.extract()?,
            "l7" => base.l7 = value.extract()?,
            "l4_log" => base.l4_log = value.extract()?,
            "l7_log" => base.l7_log = value.extract()?,
            "documents" => base.documents = value.extract()?,
            "minute_rows" => base.minute_rows = value.extract()?,
            "merge_health_checks" => base.merge_health_checks = value.extract()?,
            "max_flows" => base.max_flows = value.extract()?,
            "l4_rows_per_s" => base.l4_rows_per_s = value.extract()?,
            "l7_rows_per_s" => base.l7_rows_per_s = value.extract()?,
            "interfaces" => base.interfaces.only = patterns(&value)?,
            "exclude_interfaces" => base.interfaces.except = patterns(&value)?,
            "batch_rows" => base.batch_rows = value.extract()?,
            "max_ready_bytes" => base.max_ready_bytes = value.extract()?,
            "timeouts" => timeouts(&mut base, value.cast::<PyDict>()?)?,
            "l7_settings" => base.l7_settings = Arc::new(l7_settings(&base.l7_settings, value.cast::<PyDict>()?)?),
            _ => return Err(unknown("setting", &name)),
        }
    }
    if base.max_flows == 0 || base.batch_rows == 0 {
        return Err(PyValueError::new_err("max_flows and batch_rows are at least 1"));
    }
    Ok(base)
}

fn patterns(values: &Bound<'_, PyAny>) -> PyResult<Vec<Pattern>> {
    let texts: Vec<String> = values.extract()?;
    texts.iter().map(|text| text.parse().map_err(PyValueError::new_err)).collect()
}

/// Those that are to be read, by name → the others.
fn left_out(wanted: &[String]) -> PyResult<Vec<u8>> {
    if let Some(name) = wanted.iter().find(|name| !PROTOCOLS.iter().any(|protocol| protocol.name == **name)) {
        return Err(unknown("protocol", name));
    }
    let others = PROTOCOLS.iter().filter(|protocol| !wanted.iter().any(|name| protocol.name == name));
    Ok(others.map(|protocol| protocol.id).collect())
}

fn unknown(what: &str, name: &str) -> PyErr {
    PyValueError::new_err(format!("no such {what}: {name:?}"))
}

fn timeouts(base: &mut Config, values: &Bound<'_, PyDict>) -> PyResult<()> {
    for (key, value) in values.iter() {
        let name: String = key.extract()?;
        let seconds: u32 = value.extract()?;
        let slot = match name.as_str() {
            "established_s" => &mut base.timeouts.established_s,
            "opening_s" => &mut base.timeouts.opening_s,
            "closing_s" => &mut base.timeouts.closing_s,
            "one_way_s" => &mut base.timeouts.one_way_s,
            "reset_s" => &mut base.timeouts.reset_s,
            "opening_reset_s" => &mut base.timeouts.opening_reset_s,
            "closed_s" => &mut base.timeouts.closed_s,
            "datagram_s" => &mut base.timeouts.datagram_s,
            _ => return Err(unknown("timeout", &name)),
        };
        *slot = seconds.clamp(1, 86_400);
    }
    Ok(())
}

fn l7_settings(base: &L7Settings, values: &Bound<'_, PyDict>) -> PyResult<L7Settings> {
    let mut settings = base.clone();
    for (key, value) in values.iter() {
        let name: String = key.extract()?;
        match name.as_str() {
            "tcp_request_timeout_us" => settings.tcp_request_timeout_us = value.extract()?,
            "udp_request_timeout_us" => settings.udp_request_timeout_us = value.extract()?,
            "http_endpoint_segments" => settings.http_endpoint_segments = value.extract()?,
            "dns_expected_nxdomain_suffixes" => settings.dns_expected_nxdomain_suffixes = value.extract()?,
            "max_pending_requests" => settings.max_pending_requests = value.extract()?,
            "protocols" => settings.left_out = left_out(&value.extract::<Vec<String>>()?)?,
            "obfuscate" => settings.obfuscate = value.extract()?,
            "max_guesses" => settings.max_guesses = value.extract()?,
            _ => return Err(unknown("L7 setting", &name)),
        }
    }
    Ok(settings)
}
