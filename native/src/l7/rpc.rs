//! What remote procedure calls have in common.

use super::facts::{Facts, Slot};

/// What is called: service, method, and `service/method` for the endpoint.
pub fn call(service: &[u8], method: &[u8], facts: &mut Facts) {
    facts.put(Slot::RequestType, method);
    if service.is_empty() || method.is_empty() {
        return facts.put(Slot::Resource, service);
    }
    facts.put(Slot::Endpoint, service);
    let size = facts.get(Slot::Endpoint).len();
    facts.put_front(Slot::Resource, Slot::Endpoint, size);
    facts.extend(Slot::Endpoint, b"/");
    facts.extend(Slot::Endpoint, method);
}
