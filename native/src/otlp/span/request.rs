//! What a span says about its request: protocol, resource, endpoint, answer.

use super::*;

impl<'a> Foreign<'a> {
    /// The columns of the request; says which kind of protocol it was, and whether the row's protocol is known to be of that kind.
    pub(super) fn request(&mut self, rows: &mut L7FlowLog, row: usize) -> (Family, bool) {
        let family = self.family();
        let version = self.said.text(Fact::ProtocolVersion);
        if !version.is_empty() {
            rows.version.set(row, version);
            self.said.hold(Fact::ProtocolVersion);
        }
        let (number, name) = match family {
            Family::Http if version.starts_with('2') => (21, "HTTP2"),
            Family::Http if version.starts_with('3') => (0, "HTTP3"),
            Family::Http => (20, "HTTP"),
            Family::Dns => (120, "DNS"),
            Family::Other => protocol(self.said.text(Fact::ProtocolName)).unwrap_or_default(),
            Family::Rpc => known_or_named(self.said.text(Fact::RpcSystem)),
            Family::Messaging => known_or_named(self.said.text(Fact::MessagingSystem)),
            Family::Db => known_or_named(self.said.text(Fact::DbSystem)),
        };
        if number != 0 {
            rows.l7_protocol.set(row, number);
        }
        if !std::ptr::eq(name, self.protocol.0) {
            self.protocol = (name, rows.l7_protocol_str.intern(name));
        }
        rows.l7_protocol_str.set_key(row, self.protocol.1);
        if let Some(transport) = match self.said.text(Fact::Transport) {
            "udp" | "ip_udp" | "quic" => Some(17),
            "tcp" | "ip_tcp" => Some(6),
            "" if !matches!(family, Family::Dns | Family::Other) && name != "HTTP3" => Some(6),
            _ => None,
        } {
            rows.protocol.set(row, transport);
        }
        // `encode` gives a column the name that goes with the protocol.
        let own = family != Family::Other && Family::of(number) == family;
        let (method, resource) = match family {
            Family::Http => (self.said.text(Fact::HttpMethod), self.http_resource(rows, row, own)),
            Family::Db => (self.db_operation(), self.said.text(Fact::DbText)),
            Family::Rpc => (self.said.text(Fact::RpcMethod), self.said.text(Fact::RpcService)),
            Family::Messaging => (self.said.text(Fact::MessagingOperation), self.said.text(Fact::MessagingDestination)),
            Family::Dns => ("", self.said.text(Fact::DnsName)),
            Family::Other => ("", ""),
        };
        if !method.is_empty() {
            rows.request_type.set(row, method);
        }
        let resource = if family == Family::Db && resource.is_empty() {
            self.said.text(Fact::DbCollection)
        } else {
            resource
        };
        if !resource.is_empty() {
            rows.request_resource.set(row, resource);
        }
        let domain = self.domain(family);
        if !domain.is_empty() {
            rows.request_domain.set(row, domain);
        }
        if own {
            self.hold_request(family, name);
        }
        let agent = self.said.text(Fact::UserAgent);
        if !agent.is_empty() {
            rows.user_agent.set(row, agent);
            self.said.hold(Fact::UserAgent);
        }
        let sizes = [Fact::RequestSize, Fact::ResponseSize].map(|fact| self.said.number(fact));
        rows.request_length.set(row, sizes[0].unwrap_or(-1));
        rows.response_length.set(row, sizes[1].unwrap_or(-1));
        if let (true, Family::Http) = (own, family) {
            self.said.hold_number(Fact::RequestSize, sizes[0].unwrap_or(-1));
            self.said.hold_number(Fact::ResponseSize, sizes[1].unwrap_or(-1));
        }
        if matches!(self.said.text(Fact::UrlScheme), "https" | "wss") || self.said.text(Fact::UrlFull).starts_with("https:") {
            rows.is_tls.set(row, 1);
        }
        (family, own)
    }

    /// What says no more than the columns of a request of a known protocol, named `protocol`, do.
    pub(super) fn hold_request(&mut self, family: Family, protocol: &str) {
        let facts = match family {
            Family::Http => set(&[Fact::HttpMethod, Fact::ServerAddress]),
            Family::Db => set(&[Fact::DbOperation, Fact::DbText, Fact::ServerAddress]),
            Family::Rpc => set(&[Fact::RpcMethod, Fact::RpcService, Fact::ServerAddress]),
            Family::Messaging => set(&[Fact::MessagingOperation, Fact::MessagingDestination, Fact::ServerAddress]),
            Family::Dns => set(&[Fact::DnsName]),
            Family::Other => 0,
        };
        self.said.hold_texts(facts);
        let fact = match family {
            Family::Db => Fact::DbSystem,
            Family::Messaging => Fact::MessagingSystem,
            _ => return,
        };
        let system = self.said.text(fact);
        if system.bytes().eq(protocol.bytes().map(|byte| byte.to_ascii_lowercase())) {
            self.said.hold(fact);
        }
    }

    pub(super) fn family(&self) -> Family {
        // gRPC spans may carry http attributes too, and HTTP clients of databases db ones: the narrower convention wins.
        if self.said.has(Fact::RpcSystem) {
            Family::Rpc
        } else if self.said.has(Fact::MessagingSystem) {
            Family::Messaging
        } else if self.said.has(Fact::DbSystem) {
            Family::Db
        } else if self.said.has(Fact::HttpMethod) || self.said.has(Fact::HttpStatus) || self.said.has(Fact::HttpRoute) {
            Family::Http
        } else if self.said.has(Fact::DnsName) {
            Family::Dns
        } else {
            Family::Other
        }
    }

    /// Path and query; written here where they come in two parts.
    pub(super) fn http_resource(&mut self, rows: &mut L7FlowLog, row: usize, own: bool) -> &'a str {
        let (path, query) = (self.said.text(Fact::UrlPath), self.said.text(Fact::UrlQuery));
        // The first question mark parts them again.
        if own && !path.is_empty() && memchr::memchr(b'?', path.as_bytes()).is_none() {
            self.said.hold(Fact::UrlPath);
            if !query.is_empty() {
                self.said.hold(Fact::UrlQuery);
            }
        }
        if !path.is_empty() && !query.is_empty() {
            rows.request_resource.set(row, &format!("{path}?{query}"));
            return "";
        }
        if !path.is_empty() {
            return path;
        }
        let target = self.said.text(Fact::UrlTarget);
        if target.is_empty() {
            path_of(self.said.text(Fact::UrlFull))
        } else {
            target
        }
    }

    pub(super) fn db_operation(&self) -> &'a str {
        let operation = self.said.text(Fact::DbOperation);
        if !operation.is_empty() {
            return operation;
        }
        let statement = self.said.text(Fact::DbText).trim_start();
        let end = statement
            .bytes()
            .position(|byte| !byte.is_ascii_alphabetic())
            .unwrap_or(statement.len());
        if end <= 16 { &statement[..end] } else { "" }
    }

    pub(super) fn domain(&self, family: Family) -> &'a str {
        let said = [Fact::ServerAddress, Fact::HttpHost, Fact::PeerAddress].map(|fact| self.said.text(fact));
        match said {
            [server, ..] if !server.is_empty() => server,
            [_, host, _] if !host.is_empty() => host,
            _ if family == Family::Http && self.said.has(Fact::UrlFull) => authority_of(self.said.text(Fact::UrlFull)),
            [_, _, peer] if matches!(family, Family::Db | Family::Messaging | Family::Rpc) => peer,
            _ => "",
        }
    }

    /// `endpoint`: the route where there is one, else the span's name; a name that says more than that stays among the attributes.
    pub(super) fn name(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>, family: Family, own: bool) -> Result<(), Bad> {
        let route = if family == Family::Http {
            self.said.text(Fact::HttpRoute)
        } else {
            ""
        };
        if route.is_empty() {
            let key = rows.endpoint.intern_bytes(head.name).ok_or(Bad::InvalidUtf8)?;
            rows.endpoint.set_key(row, key);
            if family == Family::Http && head.name.starts_with(b"/") {
                // It looks like a route and is none.
                let name = rows.endpoint.get(row).to_owned();
                rows.attributes.amend(row, "span.name", &name);
            }
            return Ok(());
        }
        rows.endpoint.set(row, route);
        if own && route.starts_with('/') {
            self.said.hold(Fact::HttpRoute);
        }
        let rest = head.name.strip_suffix(route.as_bytes());
        if rest.is_some_and(|rest| rest.is_empty() || rest.strip_suffix(b" ") == Some(self.said.text(Fact::HttpMethod).as_bytes())) {
            return Ok(());
        }
        let name = std::str::from_utf8(head.name).map_err(|_| Bad::InvalidUtf8)?;
        rows.attributes.amend(row, "span.name", name);
        Ok(())
    }

    /// How it ended.
    pub(super) fn answer(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>, family: Family, own: bool) -> Result<(), Bad> {
        let fact = match family {
            Family::Http => Some(Fact::HttpStatus),
            Family::Rpc => Some(Fact::RpcStatus),
            Family::Db => Some(Fact::DbStatus),
            _ => None,
        };
        let code = fact
            .and_then(|fact| self.said.number(fact))
            .and_then(|code| i32::try_from(code).ok());
        let code = code.unwrap_or_default();
        if code != 0 {
            rows.response_code.set(row, code);
            if let (true, Some(fact @ (Fact::HttpStatus | Fact::DbStatus))) = (own, fact) {
                self.said.hold_number(fact, i64::from(code));
            }
        }
        let failed = head.status_code == STATUS_ERROR;
        let status = match (family, code) {
            (Family::Http, 500..) => SERVER_ERROR,
            (Family::Http, 400..500) => CLIENT_ERROR,
            (Family::Rpc, code) if code != 0 => grpc_status(code),
            _ if failed => SERVER_ERROR,
            _ => OK,
        };
        if status != OK {
            rows.response_status.set(row, status);
        }
        if !head.status_message.is_empty() {
            rows.response_exception
                .set(row, std::str::from_utf8(head.status_message).map_err(|_| Bad::InvalidUtf8)?);
        } else if failed || status != OK {
            let said = self.said.text(Fact::ExceptionMessage);
            let said = if said.is_empty() { self.said.text(Fact::ErrorType) } else { said };
            if !said.is_empty() {
                rows.response_exception.set(row, said);
            }
        }
        Ok(())
    }

    /// Events and links as a JSON array; the message of the first exception stands for what went wrong where nothing else said it.
    #[inline(never)]
    pub(super) fn events(&mut self, rows: &mut L7FlowLog, row: usize, head: &Head<'a>) -> Result<Result<(), Bad>, Broken> {
        let Printed { exception, sound } = print(&head.events, &head.links, &mut self.scratch)?;
        let Ok(text) = std::str::from_utf8(&self.scratch) else {
            return Ok(Err(Bad::InvalidUtf8));
        };
        rows.events.set(row, text);
        if let (Some(Value::Str(message)), true) = (exception, rows.response_exception.get(row).is_empty()) {
            let Ok(message) = std::str::from_utf8(message) else {
                return Ok(Err(Bad::InvalidUtf8));
            };
            rows.response_exception.set(row, message);
        }
        Ok(sound)
    }
}

fn known_or_named(system: &str) -> (u8, &str) {
    protocol(system).unwrap_or((0, system))
}

/// Whose fault a gRPC status is: <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/> names the codes that are errors of a server.
fn grpc_status(code: i32) -> u8 {
    match code {
        4 => TIMEOUT,
        2 | 12 | 13 | 14 | 15 => SERVER_ERROR,
        _ => CLIENT_ERROR,
    }
}
