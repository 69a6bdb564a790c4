// Generated from libs/tables by `make gen`. Do not edit.

use super::{ColumnDef, Kind, Layout, TableDef};
use crate::column::{Column, ColumnMut, Label, LabelMap, Num, Rows, Text, TextMap};

/// The id columns of one end of a flow, whichever table and side they belong to.
pub struct EndColumns<'a> {
    pub region_id: &'a mut Num<u32>,
    pub az_id: &'a mut Num<u32>,
    pub host_id: &'a mut Num<u32>,
    pub vpc_id: &'a mut Num<u32>,
    pub subnet_id: &'a mut Num<u32>,
    pub pod_cluster_id: &'a mut Num<u32>,
    pub pod_node_id: &'a mut Num<u32>,
    pub pod_ns_id: &'a mut Num<u32>,
    pub pod_group_id: &'a mut Num<u32>,
    pub pod_id: &'a mut Num<u32>,
    pub service_id: &'a mut Num<u32>,
    pub chost_id: &'a mut Num<u32>,
    pub gprocess_id: &'a mut Num<u32>,
    pub auto_instance_id: &'a mut Num<u32>,
    pub auto_instance_type: &'a mut Num<u8>,
    pub auto_service_id: &'a mut Num<u32>,
    pub auto_service_type: &'a mut Num<u8>,
    pub tag_source: &'a mut Num<u8>,
}

/// Every declared table.
pub static TABLES: &[&TableDef] = &[&FLOW_LOG_L4_FLOW_LOG, &FLOW_LOG_L7_FLOW_LOG, &FLOW_METRICS_NETWORK_1S, &FLOW_METRICS_NETWORK_1M, &FLOW_METRICS_NETWORK_MAP_1S, &FLOW_METRICS_NETWORK_MAP_1M, &FLOW_METRICS_APPLICATION_1S, &FLOW_METRICS_APPLICATION_1M, &FLOW_METRICS_APPLICATION_MAP_1S, &FLOW_METRICS_APPLICATION_MAP_1M];

/// Columns of `flow_log.l4_flow_log`.
#[derive(Default)]
pub struct L4FlowLog {
    rows: usize,
    /// Second in which it ended; the tables' time axis.
    pub time: Num<u32>,
    /// When it began.
    pub start_time: Num<i64>,
    /// When it ended, or when this row was made.
    pub end_time: Num<i64>,
    /// end_time - start_time.
    pub duration: Num<u64>,
    /// The same in every row of one flow.
    pub flow_id: Num<u64>,
    /// Id of the region at the client.
    pub region_id_0: Num<u32>,
    /// Id of the availability zone at the client.
    pub az_id_0: Num<u32>,
    /// Id of the hypervisor or physical host at the client.
    pub host_id_0: Num<u32>,
    /// Id of the VPC at the client.
    pub vpc_id_0: Num<u32>,
    /// Id of the subnet at the client.
    pub subnet_id_0: Num<u32>,
    /// Id of the Kubernetes cluster at the client.
    pub pod_cluster_id_0: Num<u32>,
    /// Id of the Kubernetes node at the client.
    pub pod_node_id_0: Num<u32>,
    /// Id of the Kubernetes namespace at the client.
    pub pod_ns_id_0: Num<u32>,
    /// Id of the Kubernetes workload at the client.
    pub pod_group_id_0: Num<u32>,
    /// Id of the Kubernetes pod at the client.
    pub pod_id_0: Num<u32>,
    /// Id of the Kubernetes service at the client.
    pub service_id_0: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at the client.
    pub chost_id_0: Num<u32>,
    /// Id of the process at the client.
    pub gprocess_id_0: Num<u32>,
    /// Most specific known instance at the client.
    pub auto_instance_id_0: Num<u32>,
    /// Which kind of instance that is, at the client.
    pub auto_instance_type_0: Num<u8>,
    /// Most specific known service at the client.
    pub auto_service_id_0: Num<u32>,
    /// Which kind of service that is, at the client.
    pub auto_service_type_0: Num<u8>,
    /// Bit set of the lookups that matched the client.
    pub tag_source_0: Num<u8>,
    /// Id of the region at the server.
    pub region_id_1: Num<u32>,
    /// Id of the availability zone at the server.
    pub az_id_1: Num<u32>,
    /// Id of the hypervisor or physical host at the server.
    pub host_id_1: Num<u32>,
    /// Id of the VPC at the server.
    pub vpc_id_1: Num<u32>,
    /// Id of the subnet at the server.
    pub subnet_id_1: Num<u32>,
    /// Id of the Kubernetes cluster at the server.
    pub pod_cluster_id_1: Num<u32>,
    /// Id of the Kubernetes node at the server.
    pub pod_node_id_1: Num<u32>,
    /// Id of the Kubernetes namespace at the server.
    pub pod_ns_id_1: Num<u32>,
    /// Id of the Kubernetes workload at the server.
    pub pod_group_id_1: Num<u32>,
    /// Id of the Kubernetes pod at the server.
    pub pod_id_1: Num<u32>,
    /// Id of the Kubernetes service at the server.
    pub service_id_1: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at the server.
    pub chost_id_1: Num<u32>,
    /// Id of the process at the server.
    pub gprocess_id_1: Num<u32>,
    /// Most specific known instance at the server.
    pub auto_instance_id_1: Num<u32>,
    /// Which kind of instance that is, at the server.
    pub auto_instance_type_1: Num<u8>,
    /// Most specific known service at the server.
    pub auto_service_id_1: Num<u32>,
    /// Which kind of service that is, at the server.
    pub auto_service_type_1: Num<u8>,
    /// Bit set of the lookups that matched the server.
    pub tag_source_1: Num<u8>,
    /// 1 where the addresses are in ip4_0 and ip4_1, 0 where they are in ip6_0 and ip6_1.
    pub is_ipv4: Num<u8>,
    /// IPv4 address of the client.
    pub ip4_0: Num<u32>,
    /// IPv4 address of the server.
    pub ip4_1: Num<u32>,
    /// IPv6 address of the client.
    pub ip6_0: Num<[u8; 16]>,
    /// IPv6 address of the server.
    pub ip6_1: Num<[u8; 16]>,
    /// Port of the client.
    pub client_port: Num<u16>,
    /// Port of the server.
    pub server_port: Num<u16>,
    /// IP protocol number: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6.
    pub protocol: Num<u8>,
    /// Agent that saw it.
    pub agent_id: Num<u32>,
    /// Interface it was seen on.
    pub capture_nic: Label,
    /// Kind of that interface.
    pub capture_nic_type: Num<u8>,
    /// Where on the way it was seen: c, s, c-nd, s-nd, local, rest, app …
    pub observation_point: Label,
    /// What it was derived from.
    pub signal_source: Num<u8>,
    /// MAC address of the client's side, 48 bits.
    pub mac_0: Num<u64>,
    /// MAC address of the server's side, 48 bits.
    pub mac_1: Num<u64>,
    /// Encapsulations that were taken off, 0 for none.
    pub tunnel_tier: Num<u8>,
    /// Outermost encapsulation, 0 for none.
    pub tunnel_type: Num<u8>,
    /// Id of the outermost encapsulation: VNI, GRE key, ERSPAN session, MPLS label, NSH path, TEID, PPPoE session.
    pub tunnel_id: Num<u32>,
    /// The encapsulation inside that one, 0 for none.
    pub tunnel_inner_type: Num<u8>,
    /// Id of that one.
    pub tunnel_inner_id: Num<u32>,
    /// Address of the outermost tunnel's end on the client's side.
    pub tunnel_ip_0: Label,
    /// Address of the outermost tunnel's end on the server's side.
    pub tunnel_ip_1: Label,
    /// Outer VLAN id, 0 for none.
    pub vlan: Num<u16>,
    /// Second VLAN id (QinQ), 0 for none.
    pub vlan_inner: Num<u16>,
    /// How sure it is which end is the client, 0 to 255.
    pub direction_score: Num<u8>,
    /// Operating-system process id at the client, where the agent saw it.
    pub process_id_0: Num<u32>,
    /// Operating-system process id at the server, where the agent saw it.
    pub process_id_1: Num<u32>,
    /// Kernel's name of that process.
    pub process_kname_0: Label,
    /// Kernel's name of that process.
    pub process_kname_1: Label,
    /// Application protocol seen in it.
    pub l7_protocol: Num<u8>,
    /// 1 in the first row of a flow.
    pub is_new_flow: Num<u8>,
    /// Flows besides this one that the row tells of: health checks, merged on request.
    pub merged_flow: Num<u32>,
    /// How it ended.
    pub close_type: Num<u8>,
    /// Whether that is well.
    pub status: Num<u8>,
    /// Every TCP flag the client sent, or-ed.
    pub tcp_flags_bit_0: Num<u16>,
    /// Every TCP flag the server sent, or-ed.
    pub tcp_flags_bit_1: Num<u16>,
    /// What each end did for the first time, in order, in Zeek's letters: ShADadFf; capital for the client.
    pub history: Label,
    /// Sequence number of the SYN.
    pub syn_seq: Num<u32>,
    /// Sequence number of the SYN-ACK.
    pub syn_ack_seq: Num<u32>,
    /// Packets, client to server.
    pub packet_tx: Num<u64>,
    /// Packets, server to client.
    pub packet_rx: Num<u64>,
    /// Bytes on the wire with the link header, client to server.
    pub byte_tx: Num<u64>,
    /// Bytes on the wire with the link header, server to client.
    pub byte_rx: Num<u64>,
    /// Bytes of IP payload, client to server.
    pub l3_byte_tx: Num<u64>,
    /// Bytes of IP payload, server to client.
    pub l3_byte_rx: Num<u64>,
    /// Bytes of TCP or UDP payload, client to server.
    pub l4_byte_tx: Num<u64>,
    /// Bytes of TCP or UDP payload, server to client.
    pub l4_byte_rx: Num<u64>,
    /// Packets since the flow began, client to server.
    pub total_packet_tx: Num<u64>,
    /// Packets since the flow began, server to client.
    pub total_packet_rx: Num<u64>,
    /// Bytes since the flow began, client to server.
    pub total_byte_tx: Num<u64>,
    /// Bytes since the flow began, server to client.
    pub total_byte_rx: Num<u64>,
    /// SYN packets without ACK.
    pub syn_count: Num<u32>,
    /// SYN-ACK packets.
    pub synack_count: Num<u32>,
    /// FIN packets.
    pub fin_count: Num<u32>,
    /// Retransmitted packets, client to server.
    pub retrans_tx: Num<u32>,
    /// Retransmitted packets, server to client.
    pub retrans_rx: Num<u32>,
    /// Repeated SYN packets.
    pub retrans_syn: Num<u32>,
    /// Repeated SYN-ACK packets.
    pub retrans_synack: Num<u32>,
    /// Zero windows announced by the client.
    pub zero_win_tx: Num<u32>,
    /// Zero windows announced by the server.
    pub zero_win_rx: Num<u32>,
    /// Out-of-order packets, client to server.
    pub ooo_tx: Num<u32>,
    /// Out-of-order packets, server to client.
    pub ooo_rx: Num<u32>,
    /// ICMP errors about its packets: the destination, or its port, cannot be reached.
    pub icmp_unreachable: Num<u32>,
    /// Code of the last one: of ICMP 1 host, 3 port, 13 forbidden; of ICMPv6 1 forbidden, 3 address, 4 port.
    pub icmp_unreachable_code: Num<u8>,
    /// ICMP errors about its packets: too many hops, or fragments that came too late.
    pub icmp_time_exceeded: Num<u32>,
    /// ICMP errors about its packets: too big, and not to be fragmented.
    pub icmp_too_big: Num<u32>,
    /// Smallest size that those told, 0 for none.
    pub icmp_mtu: Num<u32>,
    /// Other ICMP errors about its packets, and redirects.
    pub icmp_other: Num<u32>,
    /// First SYN to the last handshake ACK.
    pub rtt: Num<u32>,
    /// Client hello to the first application data.
    pub tls_rtt: Num<u32>,
    /// SYN-ACK to each handshake ACK: sum of the samples.
    pub rtt_client_sum: Num<u64>,
    /// SYN-ACK to each handshake ACK: number of the samples.
    pub rtt_client_count: Num<u32>,
    /// SYN-ACK to each handshake ACK: longest of the samples.
    pub rtt_client_max: Num<u32>,
    /// SYN to each SYN-ACK: sum of the samples.
    pub rtt_server_sum: Num<u64>,
    /// SYN to each SYN-ACK: number of the samples.
    pub rtt_server_count: Num<u32>,
    /// SYN to each SYN-ACK: longest of the samples.
    pub rtt_server_max: Num<u32>,
    /// Data to the pure ACK of it: sum of the samples.
    pub srt_sum: Num<u64>,
    /// Data to the pure ACK of it: number of the samples.
    pub srt_count: Num<u32>,
    /// Data to the pure ACK of it: longest of the samples.
    pub srt_max: Num<u32>,
    /// Last request byte to first response byte: sum of the samples.
    pub art_sum: Num<u64>,
    /// Last request byte to first response byte: number of the samples.
    pub art_count: Num<u32>,
    /// Last request byte to first response byte: longest of the samples.
    pub art_max: Num<u32>,
    /// Handshake ACK or last response to the next request: sum of the samples.
    pub cit_sum: Num<u64>,
    /// Handshake ACK or last response to the next request: number of the samples.
    pub cit_count: Num<u32>,
    /// Handshake ACK or last response to the next request: longest of the samples.
    pub cit_max: Num<u32>,
    /// Application requests.
    pub l7_request: Num<u64>,
    /// Application responses.
    pub l7_response: Num<u64>,
    /// Application messages that could not be read.
    pub l7_parse_failed: Num<u64>,
    /// Application responses that blame the client.
    pub l7_client_error: Num<u64>,
    /// Application responses that blame the server.
    pub l7_server_error: Num<u64>,
    /// Application requests without a response in time.
    pub l7_timeout: Num<u64>,
    /// Hash of the OTLP request that carried this row; a repeated request is recognised by it, also after a restart.
    pub batch_id: Num<u64>,
}

/// Names, kinds and OTLP attribute keys of those columns, in the order of the declaration.
pub static L4FLOW_LOG_COLUMNS: &[ColumnDef] = &[
    ColumnDef { name: "time", kind: Kind::TimeS, attribute: "weir.time" },
    ColumnDef { name: "start_time", kind: Kind::TimeUs, attribute: "weir.start_time" },
    ColumnDef { name: "end_time", kind: Kind::TimeUs, attribute: "weir.end_time" },
    ColumnDef { name: "duration", kind: Kind::U64, attribute: "weir.duration" },
    ColumnDef { name: "flow_id", kind: Kind::U64, attribute: "weir.flow_id" },
    ColumnDef { name: "region_id_0", kind: Kind::U32, attribute: "weir.region_id_0" },
    ColumnDef { name: "az_id_0", kind: Kind::U32, attribute: "weir.az_id_0" },
    ColumnDef { name: "host_id_0", kind: Kind::U32, attribute: "weir.host_id_0" },
    ColumnDef { name: "vpc_id_0", kind: Kind::U32, attribute: "weir.vpc_id_0" },
    ColumnDef { name: "subnet_id_0", kind: Kind::U32, attribute: "weir.subnet_id_0" },
    ColumnDef { name: "pod_cluster_id_0", kind: Kind::U32, attribute: "weir.pod_cluster_id_0" },
    ColumnDef { name: "pod_node_id_0", kind: Kind::U32, attribute: "weir.pod_node_id_0" },
    ColumnDef { name: "pod_ns_id_0", kind: Kind::U32, attribute: "weir.pod_ns_id_0" },
    ColumnDef { name: "pod_group_id_0", kind: Kind::U32, attribute: "weir.pod_group_id_0" },
    ColumnDef { name: "pod_id_0", kind: Kind::U32, attribute: "weir.pod_id_0" },
    ColumnDef { name: "service_id_0", kind: Kind::U32, attribute: "weir.service_id_0" },
    ColumnDef { name: "chost_id_0", kind: Kind::U32, attribute: "weir.chost_id_0" },
    ColumnDef { name: "gprocess_id_0", kind: Kind::U32, attribute: "weir.gprocess_id_0" },
    ColumnDef { name: "auto_instance_id_0", kind: Kind::U32, attribute: "weir.auto_instance_id_0" },
    ColumnDef { name: "auto_instance_type_0", kind: Kind::U8, attribute: "weir.auto_instance_type_0" },
    ColumnDef { name: "auto_service_id_0", kind: Kind::U32, attribute: "weir.auto_service_id_0" },
    ColumnDef { name: "auto_service_type_0", kind: Kind::U8, attribute: "weir.auto_service_type_0" },
    ColumnDef { name: "tag_source_0", kind: Kind::U8, attribute: "weir.tag_source_0" },
    ColumnDef { name: "region_id_1", kind: Kind::U32, attribute: "weir.region_id_1" },
    ColumnDef { name: "az_id_1", kind: Kind::U32, attribute: "weir.az_id_1" },
    ColumnDef { name: "host_id_1", kind: Kind::U32, attribute: "weir.host_id_1" },
    ColumnDef { name: "vpc_id_1", kind: Kind::U32, attribute: "weir.vpc_id_1" },
    ColumnDef { name: "subnet_id_1", kind: Kind::U32, attribute: "weir.subnet_id_1" },
    ColumnDef { name: "pod_cluster_id_1", kind: Kind::U32, attribute: "weir.pod_cluster_id_1" },
    ColumnDef { name: "pod_node_id_1", kind: Kind::U32, attribute: "weir.pod_node_id_1" },
    ColumnDef { name: "pod_ns_id_1", kind: Kind::U32, attribute: "weir.pod_ns_id_1" },
    ColumnDef { name: "pod_group_id_1", kind: Kind::U32, attribute: "weir.pod_group_id_1" },
    ColumnDef { name: "pod_id_1", kind: Kind::U32, attribute: "weir.pod_id_1" },
    ColumnDef { name: "service_id_1", kind: Kind::U32, attribute: "weir.service_id_1" },
    ColumnDef { name: "chost_id_1", kind: Kind::U32, attribute: "weir.chost_id_1" },
    ColumnDef { name: "gprocess_id_1", kind: Kind::U32, attribute: "weir.gprocess_id_1" },
    ColumnDef { name: "auto_instance_id_1", kind: Kind::U32, attribute: "weir.auto_instance_id_1" },
    ColumnDef { name: "auto_instance_type_1", kind: Kind::U8, attribute: "weir.auto_instance_type_1" },
    ColumnDef { name: "auto_service_id_1", kind: Kind::U32, attribute: "weir.auto_service_id_1" },
    ColumnDef { name: "auto_service_type_1", kind: Kind::U8, attribute: "weir.auto_service_type_1" },
    ColumnDef { name: "tag_source_1", kind: Kind::U8, attribute: "weir.tag_source_1" },
    ColumnDef { name: "is_ipv4", kind: Kind::U8, attribute: "weir.is_ipv4" },
    ColumnDef { name: "ip4_0", kind: Kind::Ip4, attribute: "source.address" },
    ColumnDef { name: "ip4_1", kind: Kind::Ip4, attribute: "destination.address" },
    ColumnDef { name: "ip6_0", kind: Kind::Ip6, attribute: "source.address" },
    ColumnDef { name: "ip6_1", kind: Kind::Ip6, attribute: "destination.address" },
    ColumnDef { name: "client_port", kind: Kind::U16, attribute: "source.port" },
    ColumnDef { name: "server_port", kind: Kind::U16, attribute: "destination.port" },
    ColumnDef { name: "protocol", kind: Kind::U8, attribute: "weir.protocol" },
    ColumnDef { name: "agent_id", kind: Kind::U32, attribute: "weir.agent_id" },
    ColumnDef { name: "capture_nic", kind: Kind::Label, attribute: "weir.capture_nic" },
    ColumnDef { name: "capture_nic_type", kind: Kind::U8, attribute: "weir.capture_nic_type" },
    ColumnDef { name: "observation_point", kind: Kind::Label, attribute: "weir.observation_point" },
    ColumnDef { name: "signal_source", kind: Kind::U8, attribute: "weir.signal_source" },
    ColumnDef { name: "mac_0", kind: Kind::U64, attribute: "weir.mac_0" },
    ColumnDef { name: "mac_1", kind: Kind::U64, attribute: "weir.mac_1" },
    ColumnDef { name: "tunnel_tier", kind: Kind::U8, attribute: "weir.tunnel_tier" },
    ColumnDef { name: "tunnel_type", kind: Kind::U8, attribute: "weir.tunnel_type" },
    ColumnDef { name: "tunnel_id", kind: Kind::U32, attribute: "weir.tunnel_id" },
    ColumnDef { name: "tunnel_inner_type", kind: Kind::U8, attribute: "weir.tunnel_inner_type" },
    ColumnDef { name: "tunnel_inner_id", kind: Kind::U32, attribute: "weir.tunnel_inner_id" },
    ColumnDef { name: "tunnel_ip_0", kind: Kind::Label, attribute: "weir.tunnel_ip_0" },
    ColumnDef { name: "tunnel_ip_1", kind: Kind::Label, attribute: "weir.tunnel_ip_1" },
    ColumnDef { name: "vlan", kind: Kind::U16, attribute: "weir.vlan" },
    ColumnDef { name: "vlan_inner", kind: Kind::U16, attribute: "weir.vlan_inner" },
    ColumnDef { name: "direction_score", kind: Kind::U8, attribute: "weir.direction_score" },
    ColumnDef { name: "process_id_0", kind: Kind::U32, attribute: "weir.process_id_0" },
    ColumnDef { name: "process_id_1", kind: Kind::U32, attribute: "weir.process_id_1" },
    ColumnDef { name: "process_kname_0", kind: Kind::Label, attribute: "weir.process_kname_0" },
    ColumnDef { name: "process_kname_1", kind: Kind::Label, attribute: "weir.process_kname_1" },
    ColumnDef { name: "l7_protocol", kind: Kind::U8, attribute: "weir.l7_protocol" },
    ColumnDef { name: "is_new_flow", kind: Kind::U8, attribute: "weir.is_new_flow" },
    ColumnDef { name: "merged_flow", kind: Kind::U32, attribute: "weir.merged_flow" },
    ColumnDef { name: "close_type", kind: Kind::U8, attribute: "weir.close_type" },
    ColumnDef { name: "status", kind: Kind::U8, attribute: "weir.status" },
    ColumnDef { name: "tcp_flags_bit_0", kind: Kind::U16, attribute: "weir.tcp_flags_bit_0" },
    ColumnDef { name: "tcp_flags_bit_1", kind: Kind::U16, attribute: "weir.tcp_flags_bit_1" },
    ColumnDef { name: "history", kind: Kind::Label, attribute: "weir.history" },
    ColumnDef { name: "syn_seq", kind: Kind::U32, attribute: "weir.syn_seq" },
    ColumnDef { name: "syn_ack_seq", kind: Kind::U32, attribute: "weir.syn_ack_seq" },
    ColumnDef { name: "packet_tx", kind: Kind::U64, attribute: "weir.packet_tx" },
    ColumnDef { name: "packet_rx", kind: Kind::U64, attribute: "weir.packet_rx" },
    ColumnDef { name: "byte_tx", kind: Kind::U64, attribute: "weir.byte_tx" },
    ColumnDef { name: "byte_rx", kind: Kind::U64, attribute: "weir.byte_rx" },
    ColumnDef { name: "l3_byte_tx", kind: Kind::U64, attribute: "weir.l3_byte_tx" },
    ColumnDef { name: "l3_byte_rx", kind: Kind::U64, attribute: "weir.l3_byte_rx" },
    ColumnDef { name: "l4_byte_tx", kind: Kind::U64, attribute: "weir.l4_byte_tx" },
    ColumnDef { name: "l4_byte_rx", kind: Kind::U64, attribute: "weir.l4_byte_rx" },
    ColumnDef { name: "total_packet_tx", kind: Kind::U64, attribute: "weir.total_packet_tx" },
    ColumnDef { name: "total_packet_rx", kind: Kind::U64, attribute: "weir.total_packet_rx" },
    ColumnDef { name: "total_byte_tx", kind: Kind::U64, attribute: "weir.total_byte_tx" },
    ColumnDef { name: "total_byte_rx", kind: Kind::U64, attribute: "weir.total_byte_rx" },
    ColumnDef { name: "syn_count", kind: Kind::U32, attribute: "weir.syn_count" },
    ColumnDef { name: "synack_count", kind: Kind::U32, attribute: "weir.synack_count" },
    ColumnDef { name: "fin_count", kind: Kind::U32, attribute: "weir.fin_count" },
    ColumnDef { name: "retrans_tx", kind: Kind::U32, attribute: "weir.retrans_tx" },
    ColumnDef { name: "retrans_rx", kind: Kind::U32, attribute: "weir.retrans_rx" },
    ColumnDef { name: "retrans_syn", kind: Kind::U32, attribute: "weir.retrans_syn" },
    ColumnDef { name: "retrans_synack", kind: Kind::U32, attribute: "weir.retrans_synack" },
    ColumnDef { name: "zero_win_tx", kind: Kind::U32, attribute: "weir.zero_win_tx" },
    ColumnDef { name: "zero_win_rx", kind: Kind::U32, attribute: "weir.zero_win_rx" },
    ColumnDef { name: "ooo_tx", kind: Kind::U32, attribute: "weir.ooo_tx" },
    ColumnDef { name: "ooo_rx", kind: Kind::U32, attribute: "weir.ooo_rx" },
    ColumnDef { name: "icmp_unreachable", kind: Kind::U32, attribute: "weir.icmp_unreachable" },
    ColumnDef { name: "icmp_unreachable_code", kind: Kind::U8, attribute: "weir.icmp_unreachable_code" },
    ColumnDef { name: "icmp_time_exceeded", kind: Kind::U32, attribute: "weir.icmp_time_exceeded" },
    ColumnDef { name: "icmp_too_big", kind: Kind::U32, attribute: "weir.icmp_too_big" },
    ColumnDef { name: "icmp_mtu", kind: Kind::U32, attribute: "weir.icmp_mtu" },
    ColumnDef { name: "icmp_other", kind: Kind::U32, attribute: "weir.icmp_other" },
    ColumnDef { name: "rtt", kind: Kind::U32, attribute: "weir.rtt" },
    ColumnDef { name: "tls_rtt", kind: Kind::U32, attribute: "weir.tls_rtt" },
    ColumnDef { name: "rtt_client_sum", kind: Kind::U64, attribute: "weir.rtt_client_sum" },
    ColumnDef { name: "rtt_client_count", kind: Kind::U32, attribute: "weir.rtt_client_count" },
    ColumnDef { name: "rtt_client_max", kind: Kind::U32, attribute: "weir.rtt_client_max" },
    ColumnDef { name: "rtt_server_sum", kind: Kind::U64, attribute: "weir.rtt_server_sum" },
    ColumnDef { name: "rtt_server_count", kind: Kind::U32, attribute: "weir.rtt_server_count" },
    ColumnDef { name: "rtt_server_max", kind: Kind::U32, attribute: "weir.rtt_server_max" },
    ColumnDef { name: "srt_sum", kind: Kind::U64, attribute: "weir.srt_sum" },
    ColumnDef { name: "srt_count", kind: Kind::U32, attribute: "weir.srt_count" },
    ColumnDef { name: "srt_max", kind: Kind::U32, attribute: "weir.srt_max" },
    ColumnDef { name: "art_sum", kind: Kind::U64, attribute: "weir.art_sum" },
    ColumnDef { name: "art_count", kind: Kind::U32, attribute: "weir.art_count" },
    ColumnDef { name: "art_max", kind: Kind::U32, attribute: "weir.art_max" },
    ColumnDef { name: "cit_sum", kind: Kind::U64, attribute: "weir.cit_sum" },
    ColumnDef { name: "cit_count", kind: Kind::U32, attribute: "weir.cit_count" },
    ColumnDef { name: "cit_max", kind: Kind::U32, attribute: "weir.cit_max" },
    ColumnDef { name: "l7_request", kind: Kind::U64, attribute: "weir.l7_request" },
    ColumnDef { name: "l7_response", kind: Kind::U64, attribute: "weir.l7_response" },
    ColumnDef { name: "l7_parse_failed", kind: Kind::U64, attribute: "weir.l7_parse_failed" },
    ColumnDef { name: "l7_client_error", kind: Kind::U64, attribute: "weir.l7_client_error" },
    ColumnDef { name: "l7_server_error", kind: Kind::U64, attribute: "weir.l7_server_error" },
    ColumnDef { name: "l7_timeout", kind: Kind::U64, attribute: "weir.l7_timeout" },
    ColumnDef { name: "batch_id", kind: Kind::U64, attribute: "weir.batch_id" },
];

/// `flow_log.l4_flow_log`: One TCP, UDP or ICMP flow: a row each minute while it lives and one at its end.
pub static FLOW_LOG_L4_FLOW_LOG: TableDef = TableDef { name: "flow_log.l4_flow_log", columns: L4FLOW_LOG_COLUMNS };

impl L4FlowLog {
    fn each(&mut self, mut visit: impl FnMut(&mut dyn Rows)) {
        visit(&mut self.time);
        visit(&mut self.start_time);
        visit(&mut self.end_time);
        visit(&mut self.duration);
        visit(&mut self.flow_id);
        visit(&mut self.region_id_0);
        visit(&mut self.az_id_0);
        visit(&mut self.host_id_0);
        visit(&mut self.vpc_id_0);
        visit(&mut self.subnet_id_0);
        visit(&mut self.pod_cluster_id_0);
        visit(&mut self.pod_node_id_0);
        visit(&mut self.pod_ns_id_0);
        visit(&mut self.pod_group_id_0);
        visit(&mut self.pod_id_0);
        visit(&mut self.service_id_0);
        visit(&mut self.chost_id_0);
        visit(&mut self.gprocess_id_0);
        visit(&mut self.auto_instance_id_0);
        visit(&mut self.auto_instance_type_0);
        visit(&mut self.auto_service_id_0);
        visit(&mut self.auto_service_type_0);
        visit(&mut self.tag_source_0);
        visit(&mut self.region_id_1);
        visit(&mut self.az_id_1);
        visit(&mut self.host_id_1);
        visit(&mut self.vpc_id_1);
        visit(&mut self.subnet_id_1);
        visit(&mut self.pod_cluster_id_1);
        visit(&mut self.pod_node_id_1);
        visit(&mut self.pod_ns_id_1);
        visit(&mut self.pod_group_id_1);
        visit(&mut self.pod_id_1);
        visit(&mut self.service_id_1);
        visit(&mut self.chost_id_1);
        visit(&mut self.gprocess_id_1);
        visit(&mut self.auto_instance_id_1);
        visit(&mut self.auto_instance_type_1);
        visit(&mut self.auto_service_id_1);
        visit(&mut self.auto_service_type_1);
        visit(&mut self.tag_source_1);
        visit(&mut self.is_ipv4);
        visit(&mut self.ip4_0);
        visit(&mut self.ip4_1);
        visit(&mut self.ip6_0);
        visit(&mut self.ip6_1);
        visit(&mut self.client_port);
        visit(&mut self.server_port);
        visit(&mut self.protocol);
        visit(&mut self.agent_id);
        visit(&mut self.capture_nic);
        visit(&mut self.capture_nic_type);
        visit(&mut self.observation_point);
        visit(&mut self.signal_source);
        visit(&mut self.mac_0);
        visit(&mut self.mac_1);
        visit(&mut self.tunnel_tier);
        visit(&mut self.tunnel_type);
        visit(&mut self.tunnel_id);
        visit(&mut self.tunnel_inner_type);
        visit(&mut self.tunnel_inner_id);
        visit(&mut self.tunnel_ip_0);
        visit(&mut self.tunnel_ip_1);
        visit(&mut self.vlan);
        visit(&mut self.vlan_inner);
        visit(&mut self.direction_score);
        visit(&mut self.process_id_0);
        visit(&mut self.process_id_1);
        visit(&mut self.process_kname_0);
        visit(&mut self.process_kname_1);
        visit(&mut self.l7_protocol);
        visit(&mut self.is_new_flow);
        visit(&mut self.merged_flow);
        visit(&mut self.close_type);
        visit(&mut self.status);
        visit(&mut self.tcp_flags_bit_0);
        visit(&mut self.tcp_flags_bit_1);
        visit(&mut self.history);
        visit(&mut self.syn_seq);
        visit(&mut self.syn_ack_seq);
        visit(&mut self.packet_tx);
        visit(&mut self.packet_rx);
        visit(&mut self.byte_tx);
        visit(&mut self.byte_rx);
        visit(&mut self.l3_byte_tx);
        visit(&mut self.l3_byte_rx);
        visit(&mut self.l4_byte_tx);
        visit(&mut self.l4_byte_rx);
        visit(&mut self.total_packet_tx);
        visit(&mut self.total_packet_rx);
        visit(&mut self.total_byte_tx);
        visit(&mut self.total_byte_rx);
        visit(&mut self.syn_count);
        visit(&mut self.synack_count);
        visit(&mut self.fin_count);
        visit(&mut self.retrans_tx);
        visit(&mut self.retrans_rx);
        visit(&mut self.retrans_syn);
        visit(&mut self.retrans_synack);
        visit(&mut self.zero_win_tx);
        visit(&mut self.zero_win_rx);
        visit(&mut self.ooo_tx);
        visit(&mut self.ooo_rx);
        visit(&mut self.icmp_unreachable);
        visit(&mut self.icmp_unreachable_code);
        visit(&mut self.icmp_time_exceeded);
        visit(&mut self.icmp_too_big);
        visit(&mut self.icmp_mtu);
        visit(&mut self.icmp_other);
        visit(&mut self.rtt);
        visit(&mut self.tls_rtt);
        visit(&mut self.rtt_client_sum);
        visit(&mut self.rtt_client_count);
        visit(&mut self.rtt_client_max);
        visit(&mut self.rtt_server_sum);
        visit(&mut self.rtt_server_count);
        visit(&mut self.rtt_server_max);
        visit(&mut self.srt_sum);
        visit(&mut self.srt_count);
        visit(&mut self.srt_max);
        visit(&mut self.art_sum);
        visit(&mut self.art_count);
        visit(&mut self.art_max);
        visit(&mut self.cit_sum);
        visit(&mut self.cit_count);
        visit(&mut self.cit_max);
        visit(&mut self.l7_request);
        visit(&mut self.l7_response);
        visit(&mut self.l7_parse_failed);
        visit(&mut self.l7_client_error);
        visit(&mut self.l7_server_error);
        visit(&mut self.l7_timeout);
        visit(&mut self.batch_id);
    }

    /// The id columns of the end 0.
    pub fn end_0(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id_0,
            az_id: &mut self.az_id_0,
            host_id: &mut self.host_id_0,
            vpc_id: &mut self.vpc_id_0,
            subnet_id: &mut self.subnet_id_0,
            pod_cluster_id: &mut self.pod_cluster_id_0,
            pod_node_id: &mut self.pod_node_id_0,
            pod_ns_id: &mut self.pod_ns_id_0,
            pod_group_id: &mut self.pod_group_id_0,
            pod_id: &mut self.pod_id_0,
            service_id: &mut self.service_id_0,
            chost_id: &mut self.chost_id_0,
            gprocess_id: &mut self.gprocess_id_0,
            auto_instance_id: &mut self.auto_instance_id_0,
            auto_instance_type: &mut self.auto_instance_type_0,
            auto_service_id: &mut self.auto_service_id_0,
            auto_service_type: &mut self.auto_service_type_0,
            tag_source: &mut self.tag_source_0,
        }
    }

    /// The id columns of the end 1.
    pub fn end_1(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id_1,
            az_id: &mut self.az_id_1,
            host_id: &mut self.host_id_1,
            vpc_id: &mut self.vpc_id_1,
            subnet_id: &mut self.subnet_id_1,
            pod_cluster_id: &mut self.pod_cluster_id_1,
            pod_node_id: &mut self.pod_node_id_1,
            pod_ns_id: &mut self.pod_ns_id_1,
            pod_group_id: &mut self.pod_group_id_1,
            pod_id: &mut self.pod_id_1,
            service_id: &mut self.service_id_1,
            chost_id: &mut self.chost_id_1,
            gprocess_id: &mut self.gprocess_id_1,
            auto_instance_id: &mut self.auto_instance_id_1,
            auto_instance_type: &mut self.auto_instance_type_1,
            auto_service_id: &mut self.auto_service_id_1,
            auto_service_type: &mut self.auto_service_type_1,
            tag_source: &mut self.tag_source_1,
        }
    }
}

impl Layout for L4FlowLog {
    const COLUMNS: &'static [ColumnDef] = L4FLOW_LOG_COLUMNS;

    fn rows(&self) -> usize {
        self.rows
    }

    fn column_mut(&mut self, index: usize) -> ColumnMut<'_> {
        match index {
            0 => ColumnMut::TimeS(&mut self.time),
            1 => ColumnMut::TimeUs(&mut self.start_time),
            2 => ColumnMut::TimeUs(&mut self.end_time),
            3 => ColumnMut::U64(&mut self.duration),
            4 => ColumnMut::U64(&mut self.flow_id),
            5 => ColumnMut::U32(&mut self.region_id_0),
            6 => ColumnMut::U32(&mut self.az_id_0),
            7 => ColumnMut::U32(&mut self.host_id_0),
            8 => ColumnMut::U32(&mut self.vpc_id_0),
            9 => ColumnMut::U32(&mut self.subnet_id_0),
            10 => ColumnMut::U32(&mut self.pod_cluster_id_0),
            11 => ColumnMut::U32(&mut self.pod_node_id_0),
            12 => ColumnMut::U32(&mut self.pod_ns_id_0),
            13 => ColumnMut::U32(&mut self.pod_group_id_0),
            14 => ColumnMut::U32(&mut self.pod_id_0),
            15 => ColumnMut::U32(&mut self.service_id_0),
            16 => ColumnMut::U32(&mut self.chost_id_0),
            17 => ColumnMut::U32(&mut self.gprocess_id_0),
            18 => ColumnMut::U32(&mut self.auto_instance_id_0),
            19 => ColumnMut::U8(&mut self.auto_instance_type_0),
            20 => ColumnMut::U32(&mut self.auto_service_id_0),
            21 => ColumnMut::U8(&mut self.auto_service_type_0),
            22 => ColumnMut::U8(&mut self.tag_source_0),
            23 => ColumnMut::U32(&mut self.region_id_1),
            24 => ColumnMut::U32(&mut self.az_id_1),
            25 => ColumnMut::U32(&mut self.host_id_1),
            26 => ColumnMut::U32(&mut self.vpc_id_1),
            27 => ColumnMut::U32(&mut self.subnet_id_1),
            28 => ColumnMut::U32(&mut self.pod_cluster_id_1),
            29 => ColumnMut::U32(&mut self.pod_node_id_1),
            30 => ColumnMut::U32(&mut self.pod_ns_id_1),
            31 => ColumnMut::U32(&mut self.pod_group_id_1),
            32 => ColumnMut::U32(&mut self.pod_id_1),
            33 => ColumnMut::U32(&mut self.service_id_1),
            34 => ColumnMut::U32(&mut self.chost_id_1),
            35 => ColumnMut::U32(&mut self.gprocess_id_1),
            36 => ColumnMut::U32(&mut self.auto_instance_id_1),
            37 => ColumnMut::U8(&mut self.auto_instance_type_1),
            38 => ColumnMut::U32(&mut self.auto_service_id_1),
            39 => ColumnMut::U8(&mut self.auto_service_type_1),
            40 => ColumnMut::U8(&mut self.tag_source_1),
            41 => ColumnMut::U8(&mut self.is_ipv4),
            42 => ColumnMut::Ip4(&mut self.ip4_0),
            43 => ColumnMut::Ip4(&mut self.ip4_1),
            44 => ColumnMut::Ip6(&mut self.ip6_0),
            45 => ColumnMut::Ip6(&mut self.ip6_1),
            46 => ColumnMut::U16(&mut self.client_port),
            47 => ColumnMut::U16(&mut self.server_port),
            48 => ColumnMut::U8(&mut self.protocol),
            49 => ColumnMut::U32(&mut self.agent_id),
            50 => ColumnMut::Label(&mut self.capture_nic),
            51 => ColumnMut::U8(&mut self.capture_nic_type),
            52 => ColumnMut::Label(&mut self.observation_point),
            53 => ColumnMut::U8(&mut self.signal_source),
            54 => ColumnMut::U64(&mut self.mac_0),
            55 => ColumnMut::U64(&mut self.mac_1),
            56 => ColumnMut::U8(&mut self.tunnel_tier),
            57 => ColumnMut::U8(&mut self.tunnel_type),
            58 => ColumnMut::U32(&mut self.tunnel_id),
            59 => ColumnMut::U8(&mut self.tunnel_inner_type),
            60 => ColumnMut::U32(&mut self.tunnel_inner_id),
            61 => ColumnMut::Label(&mut self.tunnel_ip_0),
            62 => ColumnMut::Label(&mut self.tunnel_ip_1),
            63 => ColumnMut::U16(&mut self.vlan),
            64 => ColumnMut::U16(&mut self.vlan_inner),
            65 => ColumnMut::U8(&mut self.direction_score),
            66 => ColumnMut::U32(&mut self.process_id_0),
            67 => ColumnMut::U32(&mut self.process_id_1),
            68 => ColumnMut::Label(&mut self.process_kname_0),
            69 => ColumnMut::Label(&mut self.process_kname_1),
            70 => ColumnMut::U8(&mut self.l7_protocol),
            71 => ColumnMut::U8(&mut self.is_new_flow),
            72 => ColumnMut::U32(&mut self.merged_flow),
            73 => ColumnMut::U8(&mut self.close_type),
            74 => ColumnMut::U8(&mut self.status),
            75 => ColumnMut::U16(&mut self.tcp_flags_bit_0),
            76 => ColumnMut::U16(&mut self.tcp_flags_bit_1),
            77 => ColumnMut::Label(&mut self.history),
            78 => ColumnMut::U32(&mut self.syn_seq),
            79 => ColumnMut::U32(&mut self.syn_ack_seq),
            80 => ColumnMut::U64(&mut self.packet_tx),
            81 => ColumnMut::U64(&mut self.packet_rx),
            82 => ColumnMut::U64(&mut self.byte_tx),
            83 => ColumnMut::U64(&mut self.byte_rx),
            84 => ColumnMut::U64(&mut self.l3_byte_tx),
            85 => ColumnMut::U64(&mut self.l3_byte_rx),
            86 => ColumnMut::U64(&mut self.l4_byte_tx),
            87 => ColumnMut::U64(&mut self.l4_byte_rx),
            88 => ColumnMut::U64(&mut self.total_packet_tx),
            89 => ColumnMut::U64(&mut self.total_packet_rx),
            90 => ColumnMut::U64(&mut self.total_byte_tx),
            91 => ColumnMut::U64(&mut self.total_byte_rx),
            92 => ColumnMut::U32(&mut self.syn_count),
            93 => ColumnMut::U32(&mut self.synack_count),
            94 => ColumnMut::U32(&mut self.fin_count),
            95 => ColumnMut::U32(&mut self.retrans_tx),
            96 => ColumnMut::U32(&mut self.retrans_rx),
            97 => ColumnMut::U32(&mut self.retrans_syn),
            98 => ColumnMut::U32(&mut self.retrans_synack),
            99 => ColumnMut::U32(&mut self.zero_win_tx),
            100 => ColumnMut::U32(&mut self.zero_win_rx),
            101 => ColumnMut::U32(&mut self.ooo_tx),
            102 => ColumnMut::U32(&mut self.ooo_rx),
            103 => ColumnMut::U32(&mut self.icmp_unreachable),
            104 => ColumnMut::U8(&mut self.icmp_unreachable_code),
            105 => ColumnMut::U32(&mut self.icmp_time_exceeded),
            106 => ColumnMut::U32(&mut self.icmp_too_big),
            107 => ColumnMut::U32(&mut self.icmp_mtu),
            108 => ColumnMut::U32(&mut self.icmp_other),
            109 => ColumnMut::U32(&mut self.rtt),
            110 => ColumnMut::U32(&mut self.tls_rtt),
            111 => ColumnMut::U64(&mut self.rtt_client_sum),
            112 => ColumnMut::U32(&mut self.rtt_client_count),
            113 => ColumnMut::U32(&mut self.rtt_client_max),
            114 => ColumnMut::U64(&mut self.rtt_server_sum),
            115 => ColumnMut::U32(&mut self.rtt_server_count),
            116 => ColumnMut::U32(&mut self.rtt_server_max),
            117 => ColumnMut::U64(&mut self.srt_sum),
            118 => ColumnMut::U32(&mut self.srt_count),
            119 => ColumnMut::U32(&mut self.srt_max),
            120 => ColumnMut::U64(&mut self.art_sum),
            121 => ColumnMut::U32(&mut self.art_count),
            122 => ColumnMut::U32(&mut self.art_max),
            123 => ColumnMut::U64(&mut self.cit_sum),
            124 => ColumnMut::U32(&mut self.cit_count),
            125 => ColumnMut::U32(&mut self.cit_max),
            126 => ColumnMut::U64(&mut self.l7_request),
            127 => ColumnMut::U64(&mut self.l7_response),
            128 => ColumnMut::U64(&mut self.l7_parse_failed),
            129 => ColumnMut::U64(&mut self.l7_client_error),
            130 => ColumnMut::U64(&mut self.l7_server_error),
            131 => ColumnMut::U64(&mut self.l7_timeout),
            132 => ColumnMut::U64(&mut self.batch_id),
            _ => ColumnMut::Absent,
        }
    }

    fn nbytes(&mut self) -> usize {
        let mut bytes = 0;
        self.each(|column| bytes += column.nbytes());
        bytes
    }

    fn commit(&mut self) {
        self.rows += 1;
    }

    fn rollback(&mut self, rows: usize) {
        self.rows = rows;
        self.each(|column| column.truncate(rows));
    }

    fn take(&mut self) -> Vec<Column> {
        let rows = self.rows;
        self.each(|column| {
            if !column.is_empty() {
                column.fill(rows);
            }
        });
        self.rows = 0;
        vec![
            Column::TimeS(self.time.hand_over()),
            Column::TimeUs(self.start_time.hand_over()),
            Column::TimeUs(self.end_time.hand_over()),
            Column::U64(self.duration.hand_over()),
            Column::U64(self.flow_id.hand_over()),
            Column::U32(self.region_id_0.hand_over()),
            Column::U32(self.az_id_0.hand_over()),
            Column::U32(self.host_id_0.hand_over()),
            Column::U32(self.vpc_id_0.hand_over()),
            Column::U32(self.subnet_id_0.hand_over()),
            Column::U32(self.pod_cluster_id_0.hand_over()),
            Column::U32(self.pod_node_id_0.hand_over()),
            Column::U32(self.pod_ns_id_0.hand_over()),
            Column::U32(self.pod_group_id_0.hand_over()),
            Column::U32(self.pod_id_0.hand_over()),
            Column::U32(self.service_id_0.hand_over()),
            Column::U32(self.chost_id_0.hand_over()),
            Column::U32(self.gprocess_id_0.hand_over()),
            Column::U32(self.auto_instance_id_0.hand_over()),
            Column::U8(self.auto_instance_type_0.hand_over()),
            Column::U32(self.auto_service_id_0.hand_over()),
            Column::U8(self.auto_service_type_0.hand_over()),
            Column::U8(self.tag_source_0.hand_over()),
            Column::U32(self.region_id_1.hand_over()),
            Column::U32(self.az_id_1.hand_over()),
            Column::U32(self.host_id_1.hand_over()),
            Column::U32(self.vpc_id_1.hand_over()),
            Column::U32(self.subnet_id_1.hand_over()),
            Column::U32(self.pod_cluster_id_1.hand_over()),
            Column::U32(self.pod_node_id_1.hand_over()),
            Column::U32(self.pod_ns_id_1.hand_over()),
            Column::U32(self.pod_group_id_1.hand_over()),
            Column::U32(self.pod_id_1.hand_over()),
            Column::U32(self.service_id_1.hand_over()),
            Column::U32(self.chost_id_1.hand_over()),
            Column::U32(self.gprocess_id_1.hand_over()),
            Column::U32(self.auto_instance_id_1.hand_over()),
            Column::U8(self.auto_instance_type_1.hand_over()),
            Column::U32(self.auto_service_id_1.hand_over()),
            Column::U8(self.auto_service_type_1.hand_over()),
            Column::U8(self.tag_source_1.hand_over()),
            Column::U8(self.is_ipv4.hand_over()),
            Column::Ip4(self.ip4_0.hand_over()),
            Column::Ip4(self.ip4_1.hand_over()),
            Column::Ip6(self.ip6_0.hand_over()),
            Column::Ip6(self.ip6_1.hand_over()),
            Column::U16(self.client_port.hand_over()),
            Column::U16(self.server_port.hand_over()),
            Column::U8(self.protocol.hand_over()),
            Column::U32(self.agent_id.hand_over()),
            Column::Label(self.capture_nic.hand_over()),
            Column::U8(self.capture_nic_type.hand_over()),
            Column::Label(self.observation_point.hand_over()),
            Column::U8(self.signal_source.hand_over()),
            Column::U64(self.mac_0.hand_over()),
            Column::U64(self.mac_1.hand_over()),
            Column::U8(self.tunnel_tier.hand_over()),
            Column::U8(self.tunnel_type.hand_over()),
            Column::U32(self.tunnel_id.hand_over()),
            Column::U8(self.tunnel_inner_type.hand_over()),
            Column::U32(self.tunnel_inner_id.hand_over()),
            Column::Label(self.tunnel_ip_0.hand_over()),
            Column::Label(self.tunnel_ip_1.hand_over()),
            Column::U16(self.vlan.hand_over()),
            Column::U16(self.vlan_inner.hand_over()),
            Column::U8(self.direction_score.hand_over()),
            Column::U32(self.process_id_0.hand_over()),
            Column::U32(self.process_id_1.hand_over()),
            Column::Label(self.process_kname_0.hand_over()),
            Column::Label(self.process_kname_1.hand_over()),
            Column::U8(self.l7_protocol.hand_over()),
            Column::U8(self.is_new_flow.hand_over()),
            Column::U32(self.merged_flow.hand_over()),
            Column::U8(self.close_type.hand_over()),
            Column::U8(self.status.hand_over()),
            Column::U16(self.tcp_flags_bit_0.hand_over()),
            Column::U16(self.tcp_flags_bit_1.hand_over()),
            Column::Label(self.history.hand_over()),
            Column::U32(self.syn_seq.hand_over()),
            Column::U32(self.syn_ack_seq.hand_over()),
            Column::U64(self.packet_tx.hand_over()),
            Column::U64(self.packet_rx.hand_over()),
            Column::U64(self.byte_tx.hand_over()),
            Column::U64(self.byte_rx.hand_over()),
            Column::U64(self.l3_byte_tx.hand_over()),
            Column::U64(self.l3_byte_rx.hand_over()),
            Column::U64(self.l4_byte_tx.hand_over()),
            Column::U64(self.l4_byte_rx.hand_over()),
            Column::U64(self.total_packet_tx.hand_over()),
            Column::U64(self.total_packet_rx.hand_over()),
            Column::U64(self.total_byte_tx.hand_over()),
            Column::U64(self.total_byte_rx.hand_over()),
            Column::U32(self.syn_count.hand_over()),
            Column::U32(self.synack_count.hand_over()),
            Column::U32(self.fin_count.hand_over()),
            Column::U32(self.retrans_tx.hand_over()),
            Column::U32(self.retrans_rx.hand_over()),
            Column::U32(self.retrans_syn.hand_over()),
            Column::U32(self.retrans_synack.hand_over()),
            Column::U32(self.zero_win_tx.hand_over()),
            Column::U32(self.zero_win_rx.hand_over()),
            Column::U32(self.ooo_tx.hand_over()),
            Column::U32(self.ooo_rx.hand_over()),
            Column::U32(self.icmp_unreachable.hand_over()),
            Column::U8(self.icmp_unreachable_code.hand_over()),
            Column::U32(self.icmp_time_exceeded.hand_over()),
            Column::U32(self.icmp_too_big.hand_over()),
            Column::U32(self.icmp_mtu.hand_over()),
            Column::U32(self.icmp_other.hand_over()),
            Column::U32(self.rtt.hand_over()),
            Column::U32(self.tls_rtt.hand_over()),
            Column::U64(self.rtt_client_sum.hand_over()),
            Column::U32(self.rtt_client_count.hand_over()),
            Column::U32(self.rtt_client_max.hand_over()),
            Column::U64(self.rtt_server_sum.hand_over()),
            Column::U32(self.rtt_server_count.hand_over()),
            Column::U32(self.rtt_server_max.hand_over()),
            Column::U64(self.srt_sum.hand_over()),
            Column::U32(self.srt_count.hand_over()),
            Column::U32(self.srt_max.hand_over()),
            Column::U64(self.art_sum.hand_over()),
            Column::U32(self.art_count.hand_over()),
            Column::U32(self.art_max.hand_over()),
            Column::U64(self.cit_sum.hand_over()),
            Column::U32(self.cit_count.hand_over()),
            Column::U32(self.cit_max.hand_over()),
            Column::U64(self.l7_request.hand_over()),
            Column::U64(self.l7_response.hand_over()),
            Column::U64(self.l7_parse_failed.hand_over()),
            Column::U64(self.l7_client_error.hand_over()),
            Column::U64(self.l7_server_error.hand_over()),
            Column::U64(self.l7_timeout.hand_over()),
            Column::U64(self.batch_id.hand_over()),
        ]
    }
}

/// Columns of `flow_log.l7_flow_log`.
#[derive(Default)]
pub struct L7FlowLog {
    rows: usize,
    /// Second in which it ended; the tables' time axis.
    pub time: Num<u32>,
    /// When it began.
    pub start_time: Num<i64>,
    /// When it ended, or when this row was made.
    pub end_time: Num<i64>,
    /// The L4 flow that carried it, 0 for a span.
    pub flow_id: Num<u64>,
    /// Id of the region at the client.
    pub region_id_0: Num<u32>,
    /// Id of the availability zone at the client.
    pub az_id_0: Num<u32>,
    /// Id of the hypervisor or physical host at the client.
    pub host_id_0: Num<u32>,
    /// Id of the VPC at the client.
    pub vpc_id_0: Num<u32>,
    /// Id of the subnet at the client.
    pub subnet_id_0: Num<u32>,
    /// Id of the Kubernetes cluster at the client.
    pub pod_cluster_id_0: Num<u32>,
    /// Id of the Kubernetes node at the client.
    pub pod_node_id_0: Num<u32>,
    /// Id of the Kubernetes namespace at the client.
    pub pod_ns_id_0: Num<u32>,
    /// Id of the Kubernetes workload at the client.
    pub pod_group_id_0: Num<u32>,
    /// Id of the Kubernetes pod at the client.
    pub pod_id_0: Num<u32>,
    /// Id of the Kubernetes service at the client.
    pub service_id_0: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at the client.
    pub chost_id_0: Num<u32>,
    /// Id of the process at the client.
    pub gprocess_id_0: Num<u32>,
    /// Most specific known instance at the client.
    pub auto_instance_id_0: Num<u32>,
    /// Which kind of instance that is, at the client.
    pub auto_instance_type_0: Num<u8>,
    /// Most specific known service at the client.
    pub auto_service_id_0: Num<u32>,
    /// Which kind of service that is, at the client.
    pub auto_service_type_0: Num<u8>,
    /// Bit set of the lookups that matched the client.
    pub tag_source_0: Num<u8>,
    /// Id of the region at the server.
    pub region_id_1: Num<u32>,
    /// Id of the availability zone at the server.
    pub az_id_1: Num<u32>,
    /// Id of the hypervisor or physical host at the server.
    pub host_id_1: Num<u32>,
    /// Id of the VPC at the server.
    pub vpc_id_1: Num<u32>,
    /// Id of the subnet at the server.
    pub subnet_id_1: Num<u32>,
    /// Id of the Kubernetes cluster at the server.
    pub pod_cluster_id_1: Num<u32>,
    /// Id of the Kubernetes node at the server.
    pub pod_node_id_1: Num<u32>,
    /// Id of the Kubernetes namespace at the server.
    pub pod_ns_id_1: Num<u32>,
    /// Id of the Kubernetes workload at the server.
    pub pod_group_id_1: Num<u32>,
    /// Id of the Kubernetes pod at the server.
    pub pod_id_1: Num<u32>,
    /// Id of the Kubernetes service at the server.
    pub service_id_1: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at the server.
    pub chost_id_1: Num<u32>,
    /// Id of the process at the server.
    pub gprocess_id_1: Num<u32>,
    /// Most specific known instance at the server.
    pub auto_instance_id_1: Num<u32>,
    /// Which kind of instance that is, at the server.
    pub auto_instance_type_1: Num<u8>,
    /// Most specific known service at the server.
    pub auto_service_id_1: Num<u32>,
    /// Which kind of service that is, at the server.
    pub auto_service_type_1: Num<u8>,
    /// Bit set of the lookups that matched the server.
    pub tag_source_1: Num<u8>,
    /// 1 where the addresses are in ip4_0 and ip4_1, 0 where they are in ip6_0 and ip6_1.
    pub is_ipv4: Num<u8>,
    /// IPv4 address of the client.
    pub ip4_0: Num<u32>,
    /// IPv4 address of the server.
    pub ip4_1: Num<u32>,
    /// IPv6 address of the client.
    pub ip6_0: Num<[u8; 16]>,
    /// IPv6 address of the server.
    pub ip6_1: Num<[u8; 16]>,
    /// Port of the client.
    pub client_port: Num<u16>,
    /// Port of the server.
    pub server_port: Num<u16>,
    /// IP protocol number: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6.
    pub protocol: Num<u8>,
    /// Agent that saw it.
    pub agent_id: Num<u32>,
    /// Interface it was seen on.
    pub capture_nic: Label,
    /// Kind of that interface.
    pub capture_nic_type: Num<u8>,
    /// Where on the way it was seen: c, s, c-nd, s-nd, local, rest, app …
    pub observation_point: Label,
    /// What it was derived from.
    pub signal_source: Num<u8>,
    /// Encapsulations that were taken off, 0 for none.
    pub tunnel_tier: Num<u8>,
    /// Outermost encapsulation, 0 for none.
    pub tunnel_type: Num<u8>,
    /// Id of the outermost encapsulation: VNI, GRE key, ERSPAN session, MPLS label, NSH path, TEID, PPPoE session.
    pub tunnel_id: Num<u32>,
    /// The encapsulation inside that one, 0 for none.
    pub tunnel_inner_type: Num<u8>,
    /// Id of that one.
    pub tunnel_inner_id: Num<u32>,
    /// Address of the outermost tunnel's end on the client's side.
    pub tunnel_ip_0: Label,
    /// Address of the outermost tunnel's end on the server's side.
    pub tunnel_ip_1: Label,
    /// Outer VLAN id, 0 for none.
    pub vlan: Num<u16>,
    /// Second VLAN id (QinQ), 0 for none.
    pub vlan_inner: Num<u16>,
    /// Operating-system process id at the client, where the agent saw it.
    pub process_id_0: Num<u32>,
    /// Operating-system process id at the server, where the agent saw it.
    pub process_id_1: Num<u32>,
    /// Kernel's name of that process.
    pub process_kname_0: Label,
    /// Kernel's name of that process.
    pub process_kname_1: Label,
    /// Application protocol.
    pub l7_protocol: Num<u8>,
    /// Application protocol in words.
    pub l7_protocol_str: Label,
    /// Its version.
    pub version: Label,
    /// Request alone, response alone, or both.
    pub r#type: Num<u8>,
    /// 1 where it travelled encrypted.
    pub is_tls: Num<u8>,
    /// 1 where responses do not follow the order of requests.
    pub is_async: Num<u8>,
    /// Method, command or query type.
    pub request_type: Label,
    /// Host, database server or zone asked.
    pub request_domain: Label,
    /// Path, statement, key or name asked for.
    pub request_resource: Text,
    /// The resource with its parameters taken out.
    pub endpoint: Label,
    /// Id that pairs request and response where the protocol has one.
    pub request_id: Num<u64>,
    /// How it ended.
    pub response_status: Num<u8>,
    /// The protocol's own code.
    pub response_code: Num<i32>,
    /// What went wrong, in words.
    pub response_exception: Text,
    /// What was answered, in short.
    pub response_result: Text,
    /// First request byte to first response byte; for a span, its length.
    pub response_duration: Num<u64>,
    /// Declared length of the request body, -1 where unknown.
    pub request_length: Num<i64>,
    /// Declared length of the response body, -1 where unknown.
    pub response_length: Num<i64>,
    /// Bytes of the request that were seen.
    pub captured_request_byte: Num<u32>,
    /// Bytes of the response that were seen.
    pub captured_response_byte: Num<u32>,
    /// Rows a statement changed.
    pub sql_affected_rows: Num<u64>,
    /// Trace id, lower-case hexadecimal for OpenTelemetry.
    pub trace_id: Text,
    /// Span id.
    pub span_id: Text,
    /// Parent's span id.
    pub parent_span_id: Text,
    /// OpenTelemetry span kind.
    pub span_kind: Num<u8>,
    /// X-Request-ID of the request.
    pub x_request_id_0: Text,
    /// X-Request-ID of the response.
    pub x_request_id_1: Text,
    /// Client address that a proxy reports.
    pub http_proxy_client: Text,
    /// User-Agent of the request.
    pub user_agent: Label,
    /// Referer of the request.
    pub referer: Text,
    /// service.name that the program gave itself.
    pub app_service: Label,
    /// service.instance.id that the program gave itself.
    pub app_instance: Label,
    /// TCP sequence number of the request.
    pub req_tcp_seq: Num<u32>,
    /// TCP sequence number of the response.
    pub resp_tcp_seq: Num<u32>,
    /// Implicit trace id from system calls, request side.
    pub syscall_trace_id_request: Num<u64>,
    /// Implicit trace id from system calls, response side.
    pub syscall_trace_id_response: Num<u64>,
    /// Thread that sent the request.
    pub syscall_thread_0: Num<u32>,
    /// Thread that answered.
    pub syscall_thread_1: Num<u32>,
    /// Coroutine that sent the request.
    pub syscall_coroutine_0: Num<u64>,
    /// Coroutine that answered.
    pub syscall_coroutine_1: Num<u64>,
    /// Every other attribute.
    pub attributes: TextMap,
    /// Attributes of the resource that reported it.
    pub resource: LabelMap,
    /// Instrumentation scope.
    pub scope_name: Label,
    /// Span events and links as a JSON array, empty for none.
    pub events: Text,
    /// Hash of the OTLP request that carried this row; a repeated request is recognised by it, also after a restart.
    pub batch_id: Num<u64>,
}

/// Names, kinds and OTLP attribute keys of those columns, in the order of the declaration.
pub static L7FLOW_LOG_COLUMNS: &[ColumnDef] = &[
    ColumnDef { name: "time", kind: Kind::TimeS, attribute: "weir.time" },
    ColumnDef { name: "start_time", kind: Kind::TimeUs, attribute: "weir.start_time" },
    ColumnDef { name: "end_time", kind: Kind::TimeUs, attribute: "weir.end_time" },
    ColumnDef { name: "flow_id", kind: Kind::U64, attribute: "weir.flow_id" },
    ColumnDef { name: "region_id_0", kind: Kind::U32, attribute: "weir.region_id_0" },
    ColumnDef { name: "az_id_0", kind: Kind::U32, attribute: "weir.az_id_0" },
    ColumnDef { name: "host_id_0", kind: Kind::U32, attribute: "weir.host_id_0" },
    ColumnDef { name: "vpc_id_0", kind: Kind::U32, attribute: "weir.vpc_id_0" },
    ColumnDef { name: "subnet_id_0", kind: Kind::U32, attribute: "weir.subnet_id_0" },
    ColumnDef { name: "pod_cluster_id_0", kind: Kind::U32, attribute: "weir.pod_cluster_id_0" },
    ColumnDef { name: "pod_node_id_0", kind: Kind::U32, attribute: "weir.pod_node_id_0" },
    ColumnDef { name: "pod_ns_id_0", kind: Kind::U32, attribute: "weir.pod_ns_id_0" },
    ColumnDef { name: "pod_group_id_0", kind: Kind::U32, attribute: "weir.pod_group_id_0" },
    ColumnDef { name: "pod_id_0", kind: Kind::U32, attribute: "weir.pod_id_0" },
    ColumnDef { name: "service_id_0", kind: Kind::U32, attribute: "weir.service_id_0" },
    ColumnDef { name: "chost_id_0", kind: Kind::U32, attribute: "weir.chost_id_0" },
    ColumnDef { name: "gprocess_id_0", kind: Kind::U32, attribute: "weir.gprocess_id_0" },
    ColumnDef { name: "auto_instance_id_0", kind: Kind::U32, attribute: "weir.auto_instance_id_0" },
    ColumnDef { name: "auto_instance_type_0", kind: Kind::U8, attribute: "weir.auto_instance_type_0" },
    ColumnDef { name: "auto_service_id_0", kind: Kind::U32, attribute: "weir.auto_service_id_0" },
    ColumnDef { name: "auto_service_type_0", kind: Kind::U8, attribute: "weir.auto_service_type_0" },
    ColumnDef { name: "tag_source_0", kind: Kind::U8, attribute: "weir.tag_source_0" },
    ColumnDef { name: "region_id_1", kind: Kind::U32, attribute: "weir.region_id_1" },
    ColumnDef { name: "az_id_1", kind: Kind::U32, attribute: "weir.az_id_1" },
    ColumnDef { name: "host_id_1", kind: Kind::U32, attribute: "weir.host_id_1" },
    ColumnDef { name: "vpc_id_1", kind: Kind::U32, attribute: "weir.vpc_id_1" },
    ColumnDef { name: "subnet_id_1", kind: Kind::U32, attribute: "weir.subnet_id_1" },
    ColumnDef { name: "pod_cluster_id_1", kind: Kind::U32, attribute: "weir.pod_cluster_id_1" },
    ColumnDef { name: "pod_node_id_1", kind: Kind::U32, attribute: "weir.pod_node_id_1" },
    ColumnDef { name: "pod_ns_id_1", kind: Kind::U32, attribute: "weir.pod_ns_id_1" },
    ColumnDef { name: "pod_group_id_1", kind: Kind::U32, attribute: "weir.pod_group_id_1" },
    ColumnDef { name: "pod_id_1", kind: Kind::U32, attribute: "weir.pod_id_1" },
    ColumnDef { name: "service_id_1", kind: Kind::U32, attribute: "weir.service_id_1" },
    ColumnDef { name: "chost_id_1", kind: Kind::U32, attribute: "weir.chost_id_1" },
    ColumnDef { name: "gprocess_id_1", kind: Kind::U32, attribute: "weir.gprocess_id_1" },
    ColumnDef { name: "auto_instance_id_1", kind: Kind::U32, attribute: "weir.auto_instance_id_1" },
    ColumnDef { name: "auto_instance_type_1", kind: Kind::U8, attribute: "weir.auto_instance_type_1" },
    ColumnDef { name: "auto_service_id_1", kind: Kind::U32, attribute: "weir.auto_service_id_1" },
    ColumnDef { name: "auto_service_type_1", kind: Kind::U8, attribute: "weir.auto_service_type_1" },
    ColumnDef { name: "tag_source_1", kind: Kind::U8, attribute: "weir.tag_source_1" },
    ColumnDef { name: "is_ipv4", kind: Kind::U8, attribute: "weir.is_ipv4" },
    ColumnDef { name: "ip4_0", kind: Kind::Ip4, attribute: "source.address" },
    ColumnDef { name: "ip4_1", kind: Kind::Ip4, attribute: "destination.address" },
    ColumnDef { name: "ip6_0", kind: Kind::Ip6, attribute: "source.address" },
    ColumnDef { name: "ip6_1", kind: Kind::Ip6, attribute: "destination.address" },
    ColumnDef { name: "client_port", kind: Kind::U16, attribute: "source.port" },
    ColumnDef { name: "server_port", kind: Kind::U16, attribute: "destination.port" },
    ColumnDef { name: "protocol", kind: Kind::U8, attribute: "weir.protocol" },
    ColumnDef { name: "agent_id", kind: Kind::U32, attribute: "weir.agent_id" },
    ColumnDef { name: "capture_nic", kind: Kind::Label, attribute: "weir.capture_nic" },
    ColumnDef { name: "capture_nic_type", kind: Kind::U8, attribute: "weir.capture_nic_type" },
    ColumnDef { name: "observation_point", kind: Kind::Label, attribute: "weir.observation_point" },
    ColumnDef { name: "signal_source", kind: Kind::U8, attribute: "weir.signal_source" },
    ColumnDef { name: "tunnel_tier", kind: Kind::U8, attribute: "weir.tunnel_tier" },
    ColumnDef { name: "tunnel_type", kind: Kind::U8, attribute: "weir.tunnel_type" },
    ColumnDef { name: "tunnel_id", kind: Kind::U32, attribute: "weir.tunnel_id" },
    ColumnDef { name: "tunnel_inner_type", kind: Kind::U8, attribute: "weir.tunnel_inner_type" },
    ColumnDef { name: "tunnel_inner_id", kind: Kind::U32, attribute: "weir.tunnel_inner_id" },
    ColumnDef { name: "tunnel_ip_0", kind: Kind::Label, attribute: "weir.tunnel_ip_0" },
    ColumnDef { name: "tunnel_ip_1", kind: Kind::Label, attribute: "weir.tunnel_ip_1" },
    ColumnDef { name: "vlan", kind: Kind::U16, attribute: "weir.vlan" },
    ColumnDef { name: "vlan_inner", kind: Kind::U16, attribute: "weir.vlan_inner" },
    ColumnDef { name: "process_id_0", kind: Kind::U32, attribute: "weir.process_id_0" },
    ColumnDef { name: "process_id_1", kind: Kind::U32, attribute: "weir.process_id_1" },
    ColumnDef { name: "process_kname_0", kind: Kind::Label, attribute: "weir.process_kname_0" },
    ColumnDef { name: "process_kname_1", kind: Kind::Label, attribute: "weir.process_kname_1" },
    ColumnDef { name: "l7_protocol", kind: Kind::U8, attribute: "weir.l7_protocol" },
    ColumnDef { name: "l7_protocol_str", kind: Kind::Label, attribute: "weir.l7_protocol_str" },
    ColumnDef { name: "version", kind: Kind::Label, attribute: "network.protocol.version" },
    ColumnDef { name: "type", kind: Kind::U8, attribute: "weir.type" },
    ColumnDef { name: "is_tls", kind: Kind::U8, attribute: "weir.is_tls" },
    ColumnDef { name: "is_async", kind: Kind::U8, attribute: "weir.is_async" },
    ColumnDef { name: "request_type", kind: Kind::Label, attribute: "weir.request_type" },
    ColumnDef { name: "request_domain", kind: Kind::Label, attribute: "weir.request_domain" },
    ColumnDef { name: "request_resource", kind: Kind::Text, attribute: "weir.request_resource" },
    ColumnDef { name: "endpoint", kind: Kind::Label, attribute: "weir.endpoint" },
    ColumnDef { name: "request_id", kind: Kind::U64, attribute: "weir.request_id" },
    ColumnDef { name: "response_status", kind: Kind::U8, attribute: "weir.response_status" },
    ColumnDef { name: "response_code", kind: Kind::I32, attribute: "weir.response_code" },
    ColumnDef { name: "response_exception", kind: Kind::Text, attribute: "weir.response_exception" },
    ColumnDef { name: "response_result", kind: Kind::Text, attribute: "weir.response_result" },
    ColumnDef { name: "response_duration", kind: Kind::U64, attribute: "weir.response_duration" },
    ColumnDef { name: "request_length", kind: Kind::I64, attribute: "weir.request_length" },
    ColumnDef { name: "response_length", kind: Kind::I64, attribute: "weir.response_length" },
    ColumnDef { name: "captured_request_byte", kind: Kind::U32, attribute: "weir.captured_request_byte" },
    ColumnDef { name: "captured_response_byte", kind: Kind::U32, attribute: "weir.captured_response_byte" },
    ColumnDef { name: "sql_affected_rows", kind: Kind::U64, attribute: "weir.sql_affected_rows" },
    ColumnDef { name: "trace_id", kind: Kind::Text, attribute: "weir.trace_id" },
    ColumnDef { name: "span_id", kind: Kind::Text, attribute: "weir.span_id" },
    ColumnDef { name: "parent_span_id", kind: Kind::Text, attribute: "weir.parent_span_id" },
    ColumnDef { name: "span_kind", kind: Kind::U8, attribute: "weir.span_kind" },
    ColumnDef { name: "x_request_id_0", kind: Kind::Text, attribute: "weir.x_request_id_0" },
    ColumnDef { name: "x_request_id_1", kind: Kind::Text, attribute: "weir.x_request_id_1" },
    ColumnDef { name: "http_proxy_client", kind: Kind::Text, attribute: "weir.http_proxy_client" },
    ColumnDef { name: "user_agent", kind: Kind::Label, attribute: "user_agent.original" },
    ColumnDef { name: "referer", kind: Kind::Text, attribute: "weir.referer" },
    ColumnDef { name: "app_service", kind: Kind::Label, attribute: "service.name" },
    ColumnDef { name: "app_instance", kind: Kind::Label, attribute: "service.instance.id" },
    ColumnDef { name: "req_tcp_seq", kind: Kind::U32, attribute: "weir.req_tcp_seq" },
    ColumnDef { name: "resp_tcp_seq", kind: Kind::U32, attribute: "weir.resp_tcp_seq" },
    ColumnDef { name: "syscall_trace_id_request", kind: Kind::U64, attribute: "weir.syscall_trace_id_request" },
    ColumnDef { name: "syscall_trace_id_response", kind: Kind::U64, attribute: "weir.syscall_trace_id_response" },
    ColumnDef { name: "syscall_thread_0", kind: Kind::U32, attribute: "weir.syscall_thread_0" },
    ColumnDef { name: "syscall_thread_1", kind: Kind::U32, attribute: "weir.syscall_thread_1" },
    ColumnDef { name: "syscall_coroutine_0", kind: Kind::U64, attribute: "weir.syscall_coroutine_0" },
    ColumnDef { name: "syscall_coroutine_1", kind: Kind::U64, attribute: "weir.syscall_coroutine_1" },
    ColumnDef { name: "attributes", kind: Kind::TextMap, attribute: "weir.attributes" },
    ColumnDef { name: "resource", kind: Kind::LabelMap, attribute: "weir.resource" },
    ColumnDef { name: "scope_name", kind: Kind::Label, attribute: "weir.scope_name" },
    ColumnDef { name: "events", kind: Kind::Text, attribute: "weir.events" },
    ColumnDef { name: "batch_id", kind: Kind::U64, attribute: "weir.batch_id" },
];

/// `flow_log.l7_flow_log`: One request with its response, or one OTLP span.
pub static FLOW_LOG_L7_FLOW_LOG: TableDef = TableDef { name: "flow_log.l7_flow_log", columns: L7FLOW_LOG_COLUMNS };

impl L7FlowLog {
    fn each(&mut self, mut visit: impl FnMut(&mut dyn Rows)) {
        visit(&mut self.time);
        visit(&mut self.start_time);
        visit(&mut self.end_time);
        visit(&mut self.flow_id);
        visit(&mut self.region_id_0);
        visit(&mut self.az_id_0);
        visit(&mut self.host_id_0);
        visit(&mut self.vpc_id_0);
        visit(&mut self.subnet_id_0);
        visit(&mut self.pod_cluster_id_0);
        visit(&mut self.pod_node_id_0);
        visit(&mut self.pod_ns_id_0);
        visit(&mut self.pod_group_id_0);
        visit(&mut self.pod_id_0);
        visit(&mut self.service_id_0);
        visit(&mut self.chost_id_0);
        visit(&mut self.gprocess_id_0);
        visit(&mut self.auto_instance_id_0);
        visit(&mut self.auto_instance_type_0);
        visit(&mut self.auto_service_id_0);
        visit(&mut self.auto_service_type_0);
        visit(&mut self.tag_source_0);
        visit(&mut self.region_id_1);
        visit(&mut self.az_id_1);
        visit(&mut self.host_id_1);
        visit(&mut self.vpc_id_1);
        visit(&mut self.subnet_id_1);
        visit(&mut self.pod_cluster_id_1);
        visit(&mut self.pod_node_id_1);
        visit(&mut self.pod_ns_id_1);
        visit(&mut self.pod_group_id_1);
        visit(&mut self.pod_id_1);
        visit(&mut self.service_id_1);
        visit(&mut self.chost_id_1);
        visit(&mut self.gprocess_id_1);
        visit(&mut self.auto_instance_id_1);
        visit(&mut self.auto_instance_type_1);
        visit(&mut self.auto_service_id_1);
        visit(&mut self.auto_service_type_1);
        visit(&mut self.tag_source_1);
        visit(&mut self.is_ipv4);
        visit(&mut self.ip4_0);
        visit(&mut self.ip4_1);
        visit(&mut self.ip6_0);
        visit(&mut self.ip6_1);
        visit(&mut self.client_port);
        visit(&mut self.server_port);
        visit(&mut self.protocol);
        visit(&mut self.agent_id);
        visit(&mut self.capture_nic);
        visit(&mut self.capture_nic_type);
        visit(&mut self.observation_point);
        visit(&mut self.signal_source);
        visit(&mut self.tunnel_tier);
        visit(&mut self.tunnel_type);
        visit(&mut self.tunnel_id);
        visit(&mut self.tunnel_inner_type);
        visit(&mut self.tunnel_inner_id);
        visit(&mut self.tunnel_ip_0);
        visit(&mut self.tunnel_ip_1);
        visit(&mut self.vlan);
        visit(&mut self.vlan_inner);
        visit(&mut self.process_id_0);
        visit(&mut self.process_id_1);
        visit(&mut self.process_kname_0);
        visit(&mut self.process_kname_1);
        visit(&mut self.l7_protocol);
        visit(&mut self.l7_protocol_str);
        visit(&mut self.version);
        visit(&mut self.r#type);
        visit(&mut self.is_tls);
        visit(&mut self.is_async);
        visit(&mut self.request_type);
        visit(&mut self.request_domain);
        visit(&mut self.request_resource);
        visit(&mut self.endpoint);
        visit(&mut self.request_id);
        visit(&mut self.response_status);
        visit(&mut self.response_code);
        visit(&mut self.response_exception);
        visit(&mut self.response_result);
        visit(&mut self.response_duration);
        visit(&mut self.request_length);
        visit(&mut self.response_length);
        visit(&mut self.captured_request_byte);
        visit(&mut self.captured_response_byte);
        visit(&mut self.sql_affected_rows);
        visit(&mut self.trace_id);
        visit(&mut self.span_id);
        visit(&mut self.parent_span_id);
        visit(&mut self.span_kind);
        visit(&mut self.x_request_id_0);
        visit(&mut self.x_request_id_1);
        visit(&mut self.http_proxy_client);
        visit(&mut self.user_agent);
        visit(&mut self.referer);
        visit(&mut self.app_service);
        visit(&mut self.app_instance);
        visit(&mut self.req_tcp_seq);
        visit(&mut self.resp_tcp_seq);
        visit(&mut self.syscall_trace_id_request);
        visit(&mut self.syscall_trace_id_response);
        visit(&mut self.syscall_thread_0);
        visit(&mut self.syscall_thread_1);
        visit(&mut self.syscall_coroutine_0);
        visit(&mut self.syscall_coroutine_1);
        visit(&mut self.attributes);
        visit(&mut self.resource);
        visit(&mut self.scope_name);
        visit(&mut self.events);
        visit(&mut self.batch_id);
    }

    /// The id columns of the end 0.
    pub fn end_0(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id_0,
            az_id: &mut self.az_id_0,
            host_id: &mut self.host_id_0,
            vpc_id: &mut self.vpc_id_0,
            subnet_id: &mut self.subnet_id_0,
            pod_cluster_id: &mut self.pod_cluster_id_0,
            pod_node_id: &mut self.pod_node_id_0,
            pod_ns_id: &mut self.pod_ns_id_0,
            pod_group_id: &mut self.pod_group_id_0,
            pod_id: &mut self.pod_id_0,
            service_id: &mut self.service_id_0,
            chost_id: &mut self.chost_id_0,
            gprocess_id: &mut self.gprocess_id_0,
            auto_instance_id: &mut self.auto_instance_id_0,
            auto_instance_type: &mut self.auto_instance_type_0,
            auto_service_id: &mut self.auto_service_id_0,
            auto_service_type: &mut self.auto_service_type_0,
            tag_source: &mut self.tag_source_0,
        }
    }

    /// The id columns of the end 1.
    pub fn end_1(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id_1,
            az_id: &mut self.az_id_1,
            host_id: &mut self.host_id_1,
            vpc_id: &mut self.vpc_id_1,
            subnet_id: &mut self.subnet_id_1,
            pod_cluster_id: &mut self.pod_cluster_id_1,
            pod_node_id: &mut self.pod_node_id_1,
            pod_ns_id: &mut self.pod_ns_id_1,
            pod_group_id: &mut self.pod_group_id_1,
            pod_id: &mut self.pod_id_1,
            service_id: &mut self.service_id_1,
            chost_id: &mut self.chost_id_1,
            gprocess_id: &mut self.gprocess_id_1,
            auto_instance_id: &mut self.auto_instance_id_1,
            auto_instance_type: &mut self.auto_instance_type_1,
            auto_service_id: &mut self.auto_service_id_1,
            auto_service_type: &mut self.auto_service_type_1,
            tag_source: &mut self.tag_source_1,
        }
    }
}

impl Layout for L7FlowLog {
    const COLUMNS: &'static [ColumnDef] = L7FLOW_LOG_COLUMNS;

    fn rows(&self) -> usize {
        self.rows
    }

    fn column_mut(&mut self, index: usize) -> ColumnMut<'_> {
        match index {
            0 => ColumnMut::TimeS(&mut self.time),
            1 => ColumnMut::TimeUs(&mut self.start_time),
            2 => ColumnMut::TimeUs(&mut self.end_time),
            3 => ColumnMut::U64(&mut self.flow_id),
            4 => ColumnMut::U32(&mut self.region_id_0),
            5 => ColumnMut::U32(&mut self.az_id_0),
            6 => ColumnMut::U32(&mut self.host_id_0),
            7 => ColumnMut::U32(&mut self.vpc_id_0),
            8 => ColumnMut::U32(&mut self.subnet_id_0),
            9 => ColumnMut::U32(&mut self.pod_cluster_id_0),
            10 => ColumnMut::U32(&mut self.pod_node_id_0),
            11 => ColumnMut::U32(&mut self.pod_ns_id_0),
            12 => ColumnMut::U32(&mut self.pod_group_id_0),
            13 => ColumnMut::U32(&mut self.pod_id_0),
            14 => ColumnMut::U32(&mut self.service_id_0),
            15 => ColumnMut::U32(&mut self.chost_id_0),
            16 => ColumnMut::U32(&mut self.gprocess_id_0),
            17 => ColumnMut::U32(&mut self.auto_instance_id_0),
            18 => ColumnMut::U8(&mut self.auto_instance_type_0),
            19 => ColumnMut::U32(&mut self.auto_service_id_0),
            20 => ColumnMut::U8(&mut self.auto_service_type_0),
            21 => ColumnMut::U8(&mut self.tag_source_0),
            22 => ColumnMut::U32(&mut self.region_id_1),
            23 => ColumnMut::U32(&mut self.az_id_1),
            24 => ColumnMut::U32(&mut self.host_id_1),
            25 => ColumnMut::U32(&mut self.vpc_id_1),
            26 => ColumnMut::U32(&mut self.subnet_id_1),
            27 => ColumnMut::U32(&mut self.pod_cluster_id_1),
            28 => ColumnMut::U32(&mut self.pod_node_id_1),
            29 => ColumnMut::U32(&mut self.pod_ns_id_1),
            30 => ColumnMut::U32(&mut self.pod_group_id_1),
            31 => ColumnMut::U32(&mut self.pod_id_1),
            32 => ColumnMut::U32(&mut self.service_id_1),
            33 => ColumnMut::U32(&mut self.chost_id_1),
            34 => ColumnMut::U32(&mut self.gprocess_id_1),
            35 => ColumnMut::U32(&mut self.auto_instance_id_1),
            36 => ColumnMut::U8(&mut self.auto_instance_type_1),
            37 => ColumnMut::U32(&mut self.auto_service_id_1),
            38 => ColumnMut::U8(&mut self.auto_service_type_1),
            39 => ColumnMut::U8(&mut self.tag_source_1),
            40 => ColumnMut::U8(&mut self.is_ipv4),
            41 => ColumnMut::Ip4(&mut self.ip4_0),
            42 => ColumnMut::Ip4(&mut self.ip4_1),
            43 => ColumnMut::Ip6(&mut self.ip6_0),
            44 => ColumnMut::Ip6(&mut self.ip6_1),
            45 => ColumnMut::U16(&mut self.client_port),
            46 => ColumnMut::U16(&mut self.server_port),
            47 => ColumnMut::U8(&mut self.protocol),
            48 => ColumnMut::U32(&mut self.agent_id),
            49 => ColumnMut::Label(&mut self.capture_nic),
            50 => ColumnMut::U8(&mut self.capture_nic_type),
            51 => ColumnMut::Label(&mut self.observation_point),
            52 => ColumnMut::U8(&mut self.signal_source),
            53 => ColumnMut::U8(&mut self.tunnel_tier),
            54 => ColumnMut::U8(&mut self.tunnel_type),
            55 => ColumnMut::U32(&mut self.tunnel_id),
            56 => ColumnMut::U8(&mut self.tunnel_inner_type),
            57 => ColumnMut::U32(&mut self.tunnel_inner_id),
            58 => ColumnMut::Label(&mut self.tunnel_ip_0),
            59 => ColumnMut::Label(&mut self.tunnel_ip_1),
            60 => ColumnMut::U16(&mut self.vlan),
            61 => ColumnMut::U16(&mut self.vlan_inner),
            62 => ColumnMut::U32(&mut self.process_id_0),
            63 => ColumnMut::U32(&mut self.process_id_1),
            64 => ColumnMut::Label(&mut self.process_kname_0),
            65 => ColumnMut::Label(&mut self.process_kname_1),
            66 => ColumnMut::U8(&mut self.l7_protocol),
            67 => ColumnMut::Label(&mut self.l7_protocol_str),
            68 => ColumnMut::Label(&mut self.version),
            69 => ColumnMut::U8(&mut self.r#type),
            70 => ColumnMut::U8(&mut self.is_tls),
            71 => ColumnMut::U8(&mut self.is_async),
            72 => ColumnMut::Label(&mut self.request_type),
            73 => ColumnMut::Label(&mut self.request_domain),
            74 => ColumnMut::Text(&mut self.request_resource),
            75 => ColumnMut::Label(&mut self.endpoint),
            76 => ColumnMut::U64(&mut self.request_id),
            77 => ColumnMut::U8(&mut self.response_status),
            78 => ColumnMut::I32(&mut self.response_code),
            79 => ColumnMut::Text(&mut self.response_exception),
            80 => ColumnMut::Text(&mut self.response_result),
            81 => ColumnMut::U64(&mut self.response_duration),
            82 => ColumnMut::I64(&mut self.request_length),
            83 => ColumnMut::I64(&mut self.response_length),
            84 => ColumnMut::U32(&mut self.captured_request_byte),
            85 => ColumnMut::U32(&mut self.captured_response_byte),
            86 => ColumnMut::U64(&mut self.sql_affected_rows),
            87 => ColumnMut::Text(&mut self.trace_id),
            88 => ColumnMut::Text(&mut self.span_id),
            89 => ColumnMut::Text(&mut self.parent_span_id),
            90 => ColumnMut::U8(&mut self.span_kind),
            91 => ColumnMut::Text(&mut self.x_request_id_0),
            92 => ColumnMut::Text(&mut self.x_request_id_1),
            93 => ColumnMut::Text(&mut self.http_proxy_client),
            94 => ColumnMut::Label(&mut self.user_agent),
            95 => ColumnMut::Text(&mut self.referer),
            96 => ColumnMut::Label(&mut self.app_service),
            97 => ColumnMut::Label(&mut self.app_instance),
            98 => ColumnMut::U32(&mut self.req_tcp_seq),
            99 => ColumnMut::U32(&mut self.resp_tcp_seq),
            100 => ColumnMut::U64(&mut self.syscall_trace_id_request),
            101 => ColumnMut::U64(&mut self.syscall_trace_id_response),
            102 => ColumnMut::U32(&mut self.syscall_thread_0),
            103 => ColumnMut::U32(&mut self.syscall_thread_1),
            104 => ColumnMut::U64(&mut self.syscall_coroutine_0),
            105 => ColumnMut::U64(&mut self.syscall_coroutine_1),
            106 => ColumnMut::TextMap(&mut self.attributes),
            107 => ColumnMut::LabelMap(&mut self.resource),
            108 => ColumnMut::Label(&mut self.scope_name),
            109 => ColumnMut::Text(&mut self.events),
            110 => ColumnMut::U64(&mut self.batch_id),
            _ => ColumnMut::Absent,
        }
    }

    fn nbytes(&mut self) -> usize {
        let mut bytes = 0;
        self.each(|column| bytes += column.nbytes());
        bytes
    }

    fn commit(&mut self) {
        self.rows += 1;
    }

    fn rollback(&mut self, rows: usize) {
        self.rows = rows;
        self.each(|column| column.truncate(rows));
    }

    fn take(&mut self) -> Vec<Column> {
        let rows = self.rows;
        self.each(|column| {
            if !column.is_empty() {
                column.fill(rows);
            }
        });
        self.rows = 0;
        vec![
            Column::TimeS(self.time.hand_over()),
            Column::TimeUs(self.start_time.hand_over()),
            Column::TimeUs(self.end_time.hand_over()),
            Column::U64(self.flow_id.hand_over()),
            Column::U32(self.region_id_0.hand_over()),
            Column::U32(self.az_id_0.hand_over()),
            Column::U32(self.host_id_0.hand_over()),
            Column::U32(self.vpc_id_0.hand_over()),
            Column::U32(self.subnet_id_0.hand_over()),
            Column::U32(self.pod_cluster_id_0.hand_over()),
            Column::U32(self.pod_node_id_0.hand_over()),
            Column::U32(self.pod_ns_id_0.hand_over()),
            Column::U32(self.pod_group_id_0.hand_over()),
            Column::U32(self.pod_id_0.hand_over()),
            Column::U32(self.service_id_0.hand_over()),
            Column::U32(self.chost_id_0.hand_over()),
            Column::U32(self.gprocess_id_0.hand_over()),
            Column::U32(self.auto_instance_id_0.hand_over()),
            Column::U8(self.auto_instance_type_0.hand_over()),
            Column::U32(self.auto_service_id_0.hand_over()),
            Column::U8(self.auto_service_type_0.hand_over()),
            Column::U8(self.tag_source_0.hand_over()),
            Column::U32(self.region_id_1.hand_over()),
            Column::U32(self.az_id_1.hand_over()),
            Column::U32(self.host_id_1.hand_over()),
            Column::U32(self.vpc_id_1.hand_over()),
            Column::U32(self.subnet_id_1.hand_over()),
            Column::U32(self.pod_cluster_id_1.hand_over()),
            Column::U32(self.pod_node_id_1.hand_over()),
            Column::U32(self.pod_ns_id_1.hand_over()),
            Column::U32(self.pod_group_id_1.hand_over()),
            Column::U32(self.pod_id_1.hand_over()),
            Column::U32(self.service_id_1.hand_over()),
            Column::U32(self.chost_id_1.hand_over()),
            Column::U32(self.gprocess_id_1.hand_over()),
            Column::U32(self.auto_instance_id_1.hand_over()),
            Column::U8(self.auto_instance_type_1.hand_over()),
            Column::U32(self.auto_service_id_1.hand_over()),
            Column::U8(self.auto_service_type_1.hand_over()),
            Column::U8(self.tag_source_1.hand_over()),
            Column::U8(self.is_ipv4.hand_over()),
            Column::Ip4(self.ip4_0.hand_over()),
            Column::Ip4(self.ip4_1.hand_over()),
            Column::Ip6(self.ip6_0.hand_over()),
            Column::Ip6(self.ip6_1.hand_over()),
            Column::U16(self.client_port.hand_over()),
            Column::U16(self.server_port.hand_over()),
            Column::U8(self.protocol.hand_over()),
            Column::U32(self.agent_id.hand_over()),
            Column::Label(self.capture_nic.hand_over()),
            Column::U8(self.capture_nic_type.hand_over()),
            Column::Label(self.observation_point.hand_over()),
            Column::U8(self.signal_source.hand_over()),
            Column::U8(self.tunnel_tier.hand_over()),
            Column::U8(self.tunnel_type.hand_over()),
            Column::U32(self.tunnel_id.hand_over()),
            Column::U8(self.tunnel_inner_type.hand_over()),
            Column::U32(self.tunnel_inner_id.hand_over()),
            Column::Label(self.tunnel_ip_0.hand_over()),
            Column::Label(self.tunnel_ip_1.hand_over()),
            Column::U16(self.vlan.hand_over()),
            Column::U16(self.vlan_inner.hand_over()),
            Column::U32(self.process_id_0.hand_over()),
            Column::U32(self.process_id_1.hand_over()),
            Column::Label(self.process_kname_0.hand_over()),
            Column::Label(self.process_kname_1.hand_over()),
            Column::U8(self.l7_protocol.hand_over()),
            Column::Label(self.l7_protocol_str.hand_over()),
            Column::Label(self.version.hand_over()),
            Column::U8(self.r#type.hand_over()),
            Column::U8(self.is_tls.hand_over()),
            Column::U8(self.is_async.hand_over()),
            Column::Label(self.request_type.hand_over()),
            Column::Label(self.request_domain.hand_over()),
            Column::Text(self.request_resource.hand_over()),
            Column::Label(self.endpoint.hand_over()),
            Column::U64(self.request_id.hand_over()),
            Column::U8(self.response_status.hand_over()),
            Column::I32(self.response_code.hand_over()),
            Column::Text(self.response_exception.hand_over()),
            Column::Text(self.response_result.hand_over()),
            Column::U64(self.response_duration.hand_over()),
            Column::I64(self.request_length.hand_over()),
            Column::I64(self.response_length.hand_over()),
            Column::U32(self.captured_request_byte.hand_over()),
            Column::U32(self.captured_response_byte.hand_over()),
            Column::U64(self.sql_affected_rows.hand_over()),
            Column::Text(self.trace_id.hand_over()),
            Column::Text(self.span_id.hand_over()),
            Column::Text(self.parent_span_id.hand_over()),
            Column::U8(self.span_kind.hand_over()),
            Column::Text(self.x_request_id_0.hand_over()),
            Column::Text(self.x_request_id_1.hand_over()),
            Column::Text(self.http_proxy_client.hand_over()),
            Column::Label(self.user_agent.hand_over()),
            Column::Text(self.referer.hand_over()),
            Column::Label(self.app_service.hand_over()),
            Column::Label(self.app_instance.hand_over()),
            Column::U32(self.req_tcp_seq.hand_over()),
            Column::U32(self.resp_tcp_seq.hand_over()),
            Column::U64(self.syscall_trace_id_request.hand_over()),
            Column::U64(self.syscall_trace_id_response.hand_over()),
            Column::U32(self.syscall_thread_0.hand_over()),
            Column::U32(self.syscall_thread_1.hand_over()),
            Column::U64(self.syscall_coroutine_0.hand_over()),
            Column::U64(self.syscall_coroutine_1.hand_over()),
            Column::TextMap(self.attributes.hand_over()),
            Column::LabelMap(self.resource.hand_over()),
            Column::Label(self.scope_name.hand_over()),
            Column::Text(self.events.hand_over()),
            Column::U64(self.batch_id.hand_over()),
        ]
    }
}

/// Columns of `flow_metrics.network.1s`, `flow_metrics.network.1m`.
#[derive(Default)]
pub struct Network {
    rows: usize,
    /// Beginning of the second or minute.
    pub time: Num<u32>,
    /// Id of the region at this end.
    pub region_id: Num<u32>,
    /// Id of the availability zone at this end.
    pub az_id: Num<u32>,
    /// Id of the hypervisor or physical host at this end.
    pub host_id: Num<u32>,
    /// Id of the VPC at this end.
    pub vpc_id: Num<u32>,
    /// Id of the subnet at this end.
    pub subnet_id: Num<u32>,
    /// Id of the Kubernetes cluster at this end.
    pub pod_cluster_id: Num<u32>,
    /// Id of the Kubernetes node at this end.
    pub pod_node_id: Num<u32>,
    /// Id of the Kubernetes namespace at this end.
    pub pod_ns_id: Num<u32>,
    /// Id of the Kubernetes workload at this end.
    pub pod_group_id: Num<u32>,
    /// Id of the Kubernetes pod at this end.
    pub pod_id: Num<u32>,
    /// Id of the Kubernetes service at this end.
    pub service_id: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at this end.
    pub chost_id: Num<u32>,
    /// Id of the process at this end.
    pub gprocess_id: Num<u32>,
    /// Most specific known instance at this end.
    pub auto_instance_id: Num<u32>,
    /// Which kind of instance that is, at this end.
    pub auto_instance_type: Num<u8>,
    /// Most specific known service at this end.
    pub auto_service_id: Num<u32>,
    /// Which kind of service that is, at this end.
    pub auto_service_type: Num<u8>,
    /// Bit set of the lookups that matched this end.
    pub tag_source: Num<u8>,
    /// 1 where the address is in ip4, 0 where it is in ip6.
    pub is_ipv4: Num<u8>,
    /// IPv4 address of this end.
    pub ip4: Num<u32>,
    /// IPv6 address of this end.
    pub ip6: Num<[u8; 16]>,
    /// Whether this end was the client (0) or the server (1).
    pub role: Num<u8>,
    /// Port of the server.
    pub server_port: Num<u16>,
    /// IP protocol number.
    pub protocol: Num<u8>,
    /// Agent that saw it.
    pub agent_id: Num<u32>,
    /// Interface it was seen on.
    pub capture_nic: Label,
    /// Kind of that interface.
    pub capture_nic_type: Num<u8>,
    /// Where on the way it was seen: c, s, c-nd, s-nd, local, rest, app …
    pub observation_point: Label,
    /// What it was derived from.
    pub signal_source: Num<u8>,
    /// Packets, client to server.
    pub packet_tx: Num<u64>,
    /// Packets, server to client.
    pub packet_rx: Num<u64>,
    /// Bytes on the wire with the link header, client to server.
    pub byte_tx: Num<u64>,
    /// Bytes on the wire with the link header, server to client.
    pub byte_rx: Num<u64>,
    /// Bytes of IP payload, client to server.
    pub l3_byte_tx: Num<u64>,
    /// Bytes of IP payload, server to client.
    pub l3_byte_rx: Num<u64>,
    /// Bytes of TCP or UDP payload, client to server.
    pub l4_byte_tx: Num<u64>,
    /// Bytes of TCP or UDP payload, server to client.
    pub l4_byte_rx: Num<u64>,
    /// Flows that began.
    pub new_flow: Num<u64>,
    /// Flows that ended.
    pub closed_flow: Num<u64>,
    /// Flows that were alive at the end of the interval.
    pub flow_load: Num<u64>,
    /// SYN packets without ACK.
    pub syn_count: Num<u32>,
    /// SYN-ACK packets.
    pub synack_count: Num<u32>,
    /// FIN packets.
    pub fin_count: Num<u32>,
    /// Retransmitted packets, client to server.
    pub retrans_tx: Num<u32>,
    /// Retransmitted packets, server to client.
    pub retrans_rx: Num<u32>,
    /// Repeated SYN packets.
    pub retrans_syn: Num<u32>,
    /// Repeated SYN-ACK packets.
    pub retrans_synack: Num<u32>,
    /// Zero windows announced by the client.
    pub zero_win_tx: Num<u32>,
    /// Zero windows announced by the server.
    pub zero_win_rx: Num<u32>,
    /// Out-of-order packets, client to server.
    pub ooo_tx: Num<u32>,
    /// Out-of-order packets, server to client.
    pub ooo_rx: Num<u32>,
    /// First SYN to the last handshake ACK: sum of the samples.
    pub rtt_sum: Num<u64>,
    /// First SYN to the last handshake ACK: number of the samples.
    pub rtt_count: Num<u32>,
    /// First SYN to the last handshake ACK: longest of the samples.
    pub rtt_max: Num<u32>,
    /// SYN-ACK to each handshake ACK: sum of the samples.
    pub rtt_client_sum: Num<u64>,
    /// SYN-ACK to each handshake ACK: number of the samples.
    pub rtt_client_count: Num<u32>,
    /// SYN-ACK to each handshake ACK: longest of the samples.
    pub rtt_client_max: Num<u32>,
    /// SYN to each SYN-ACK: sum of the samples.
    pub rtt_server_sum: Num<u64>,
    /// SYN to each SYN-ACK: number of the samples.
    pub rtt_server_count: Num<u32>,
    /// SYN to each SYN-ACK: longest of the samples.
    pub rtt_server_max: Num<u32>,
    /// Data to the pure ACK of it: sum of the samples.
    pub srt_sum: Num<u64>,
    /// Data to the pure ACK of it: number of the samples.
    pub srt_count: Num<u32>,
    /// Data to the pure ACK of it: longest of the samples.
    pub srt_max: Num<u32>,
    /// Last request byte to first response byte: sum of the samples.
    pub art_sum: Num<u64>,
    /// Last request byte to first response byte: number of the samples.
    pub art_count: Num<u32>,
    /// Last request byte to first response byte: longest of the samples.
    pub art_max: Num<u32>,
    /// Handshake ACK or last response to the next request: sum of the samples.
    pub cit_sum: Num<u64>,
    /// Handshake ACK or last response to the next request: number of the samples.
    pub cit_count: Num<u32>,
    /// Handshake ACK or last response to the next request: longest of the samples.
    pub cit_max: Num<u32>,
    /// Connections not established because of the client.
    pub client_establish_fail: Num<u32>,
    /// Connections not established because of the server.
    pub server_establish_fail: Num<u32>,
    /// Established connections that ended badly.
    pub tcp_transfer_fail: Num<u32>,
    /// Connections that a reset ended.
    pub tcp_rst_fail: Num<u32>,
    /// Connections that fell silent.
    pub tcp_timeout: Num<u32>,
    /// Hash of the OTLP request that carried this row; a repeated request is recognised by it, also after a restart.
    pub batch_id: Num<u64>,
}

/// Names, kinds and OTLP attribute keys of those columns, in the order of the declaration.
pub static NETWORK_COLUMNS: &[ColumnDef] = &[
    ColumnDef { name: "time", kind: Kind::TimeS, attribute: "weir.time" },
    ColumnDef { name: "region_id", kind: Kind::U32, attribute: "weir.region_id" },
    ColumnDef { name: "az_id", kind: Kind::U32, attribute: "weir.az_id" },
    ColumnDef { name: "host_id", kind: Kind::U32, attribute: "weir.host_id" },
    ColumnDef { name: "vpc_id", kind: Kind::U32, attribute: "weir.vpc_id" },
    ColumnDef { name: "subnet_id", kind: Kind::U32, attribute: "weir.subnet_id" },
    ColumnDef { name: "pod_cluster_id", kind: Kind::U32, attribute: "weir.pod_cluster_id" },
    ColumnDef { name: "pod_node_id", kind: Kind::U32, attribute: "weir.pod_node_id" },
    ColumnDef { name: "pod_ns_id", kind: Kind::U32, attribute: "weir.pod_ns_id" },
    ColumnDef { name: "pod_group_id", kind: Kind::U32, attribute: "weir.pod_group_id" },
    ColumnDef { name: "pod_id", kind: Kind::U32, attribute: "weir.pod_id" },
    ColumnDef { name: "service_id", kind: Kind::U32, attribute: "weir.service_id" },
    ColumnDef { name: "chost_id", kind: Kind::U32, attribute: "weir.chost_id" },
    ColumnDef { name: "gprocess_id", kind: Kind::U32, attribute: "weir.gprocess_id" },
    ColumnDef { name: "auto_instance_id", kind: Kind::U32, attribute: "weir.auto_instance_id" },
    ColumnDef { name: "auto_instance_type", kind: Kind::U8, attribute: "weir.auto_instance_type" },
    ColumnDef { name: "auto_service_id", kind: Kind::U32, attribute: "weir.auto_service_id" },
    ColumnDef { name: "auto_service_type", kind: Kind::U8, attribute: "weir.auto_service_type" },
    ColumnDef { name: "tag_source", kind: Kind::U8, attribute: "weir.tag_source" },
    ColumnDef { name: "is_ipv4", kind: Kind::U8, attribute: "weir.is_ipv4" },
    ColumnDef { name: "ip4", kind: Kind::Ip4, attribute: "weir.ip4" },
    ColumnDef { name: "ip6", kind: Kind::Ip6, attribute: "weir.ip6" },
    ColumnDef { name: "role", kind: Kind::U8, attribute: "weir.role" },
    ColumnDef { name: "server_port", kind: Kind::U16, attribute: "weir.server_port" },
    ColumnDef { name: "protocol", kind: Kind::U8, attribute: "weir.protocol" },
    ColumnDef { name: "agent_id", kind: Kind::U32, attribute: "weir.agent_id" },
    ColumnDef { name: "capture_nic", kind: Kind::Label, attribute: "weir.capture_nic" },
    ColumnDef { name: "capture_nic_type", kind: Kind::U8, attribute: "weir.capture_nic_type" },
    ColumnDef { name: "observation_point", kind: Kind::Label, attribute: "weir.observation_point" },
    ColumnDef { name: "signal_source", kind: Kind::U8, attribute: "weir.signal_source" },
    ColumnDef { name: "packet_tx", kind: Kind::U64, attribute: "weir.packet_tx" },
    ColumnDef { name: "packet_rx", kind: Kind::U64, attribute: "weir.packet_rx" },
    ColumnDef { name: "byte_tx", kind: Kind::U64, attribute: "weir.byte_tx" },
    ColumnDef { name: "byte_rx", kind: Kind::U64, attribute: "weir.byte_rx" },
    ColumnDef { name: "l3_byte_tx", kind: Kind::U64, attribute: "weir.l3_byte_tx" },
    ColumnDef { name: "l3_byte_rx", kind: Kind::U64, attribute: "weir.l3_byte_rx" },
    ColumnDef { name: "l4_byte_tx", kind: Kind::U64, attribute: "weir.l4_byte_tx" },
    ColumnDef { name: "l4_byte_rx", kind: Kind::U64, attribute: "weir.l4_byte_rx" },
    ColumnDef { name: "new_flow", kind: Kind::U64, attribute: "weir.new_flow" },
    ColumnDef { name: "closed_flow", kind: Kind::U64, attribute: "weir.closed_flow" },
    ColumnDef { name: "flow_load", kind: Kind::U64, attribute: "weir.flow_load" },
    ColumnDef { name: "syn_count", kind: Kind::U32, attribute: "weir.syn_count" },
    ColumnDef { name: "synack_count", kind: Kind::U32, attribute: "weir.synack_count" },
    ColumnDef { name: "fin_count", kind: Kind::U32, attribute: "weir.fin_count" },
    ColumnDef { name: "retrans_tx", kind: Kind::U32, attribute: "weir.retrans_tx" },
    ColumnDef { name: "retrans_rx", kind: Kind::U32, attribute: "weir.retrans_rx" },
    ColumnDef { name: "retrans_syn", kind: Kind::U32, attribute: "weir.retrans_syn" },
    ColumnDef { name: "retrans_synack", kind: Kind::U32, attribute: "weir.retrans_synack" },
    ColumnDef { name: "zero_win_tx", kind: Kind::U32, attribute: "weir.zero_win_tx" },
    ColumnDef { name: "zero_win_rx", kind: Kind::U32, attribute: "weir.zero_win_rx" },
    ColumnDef { name: "ooo_tx", kind: Kind::U32, attribute: "weir.ooo_tx" },
    ColumnDef { name: "ooo_rx", kind: Kind::U32, attribute: "weir.ooo_rx" },
    ColumnDef { name: "rtt_sum", kind: Kind::U64, attribute: "weir.rtt_sum" },
    ColumnDef { name: "rtt_count", kind: Kind::U32, attribute: "weir.rtt_count" },
    ColumnDef { name: "rtt_max", kind: Kind::U32, attribute: "weir.rtt_max" },
    ColumnDef { name: "rtt_client_sum", kind: Kind::U64, attribute: "weir.rtt_client_sum" },
    ColumnDef { name: "rtt_client_count", kind: Kind::U32, attribute: "weir.rtt_client_count" },
    ColumnDef { name: "rtt_client_max", kind: Kind::U32, attribute: "weir.rtt_client_max" },
    ColumnDef { name: "rtt_server_sum", kind: Kind::U64, attribute: "weir.rtt_server_sum" },
    ColumnDef { name: "rtt_server_count", kind: Kind::U32, attribute: "weir.rtt_server_count" },
    ColumnDef { name: "rtt_server_max", kind: Kind::U32, attribute: "weir.rtt_server_max" },
    ColumnDef { name: "srt_sum", kind: Kind::U64, attribute: "weir.srt_sum" },
    ColumnDef { name: "srt_count", kind: Kind::U32, attribute: "weir.srt_count" },
    ColumnDef { name: "srt_max", kind: Kind::U32, attribute: "weir.srt_max" },
    ColumnDef { name: "art_sum", kind: Kind::U64, attribute: "weir.art_sum" },
    ColumnDef { name: "art_count", kind: Kind::U32, attribute: "weir.art_count" },
    ColumnDef { name: "art_max", kind: Kind::U32, attribute: "weir.art_max" },
    ColumnDef { name: "cit_sum", kind: Kind::U64, attribute: "weir.cit_sum" },
    ColumnDef { name: "cit_count", kind: Kind::U32, attribute: "weir.cit_count" },
    ColumnDef { name: "cit_max", kind: Kind::U32, attribute: "weir.cit_max" },
    ColumnDef { name: "client_establish_fail", kind: Kind::U32, attribute: "weir.client_establish_fail" },
    ColumnDef { name: "server_establish_fail", kind: Kind::U32, attribute: "weir.server_establish_fail" },
    ColumnDef { name: "tcp_transfer_fail", kind: Kind::U32, attribute: "weir.tcp_transfer_fail" },
    ColumnDef { name: "tcp_rst_fail", kind: Kind::U32, attribute: "weir.tcp_rst_fail" },
    ColumnDef { name: "tcp_timeout", kind: Kind::U32, attribute: "weir.tcp_timeout" },
    ColumnDef { name: "batch_id", kind: Kind::U64, attribute: "weir.batch_id" },
];

/// `flow_metrics.network.1s`: L4 measures of one end, per second.
pub static FLOW_METRICS_NETWORK_1S: TableDef = TableDef { name: "flow_metrics.network.1s", columns: NETWORK_COLUMNS };
/// `flow_metrics.network.1m`: L4 measures of one end, per minute.
pub static FLOW_METRICS_NETWORK_1M: TableDef = TableDef { name: "flow_metrics.network.1m", columns: NETWORK_COLUMNS };

impl Network {
    fn each(&mut self, mut visit: impl FnMut(&mut dyn Rows)) {
        visit(&mut self.time);
        visit(&mut self.region_id);
        visit(&mut self.az_id);
        visit(&mut self.host_id);
        visit(&mut self.vpc_id);
        visit(&mut self.subnet_id);
        visit(&mut self.pod_cluster_id);
        visit(&mut self.pod_node_id);
        visit(&mut self.pod_ns_id);
        visit(&mut self.pod_group_id);
        visit(&mut self.pod_id);
        visit(&mut self.service_id);
        visit(&mut self.chost_id);
        visit(&mut self.gprocess_id);
        visit(&mut self.auto_instance_id);
        visit(&mut self.auto_instance_type);
        visit(&mut self.auto_service_id);
        visit(&mut self.auto_service_type);
        visit(&mut self.tag_source);
        visit(&mut self.is_ipv4);
        visit(&mut self.ip4);
        visit(&mut self.ip6);
        visit(&mut self.role);
        visit(&mut self.server_port);
        visit(&mut self.protocol);
        visit(&mut self.agent_id);
        visit(&mut self.capture_nic);
        visit(&mut self.capture_nic_type);
        visit(&mut self.observation_point);
        visit(&mut self.signal_source);
        visit(&mut self.packet_tx);
        visit(&mut self.packet_rx);
        visit(&mut self.byte_tx);
        visit(&mut self.byte_rx);
        visit(&mut self.l3_byte_tx);
        visit(&mut self.l3_byte_rx);
        visit(&mut self.l4_byte_tx);
        visit(&mut self.l4_byte_rx);
        visit(&mut self.new_flow);
        visit(&mut self.closed_flow);
        visit(&mut self.flow_load);
        visit(&mut self.syn_count);
        visit(&mut self.synack_count);
        visit(&mut self.fin_count);
        visit(&mut self.retrans_tx);
        visit(&mut self.retrans_rx);
        visit(&mut self.retrans_syn);
        visit(&mut self.retrans_synack);
        visit(&mut self.zero_win_tx);
        visit(&mut self.zero_win_rx);
        visit(&mut self.ooo_tx);
        visit(&mut self.ooo_rx);
        visit(&mut self.rtt_sum);
        visit(&mut self.rtt_count);
        visit(&mut self.rtt_max);
        visit(&mut self.rtt_client_sum);
        visit(&mut self.rtt_client_count);
        visit(&mut self.rtt_client_max);
        visit(&mut self.rtt_server_sum);
        visit(&mut self.rtt_server_count);
        visit(&mut self.rtt_server_max);
        visit(&mut self.srt_sum);
        visit(&mut self.srt_count);
        visit(&mut self.srt_max);
        visit(&mut self.art_sum);
        visit(&mut self.art_count);
        visit(&mut self.art_max);
        visit(&mut self.cit_sum);
        visit(&mut self.cit_count);
        visit(&mut self.cit_max);
        visit(&mut self.client_establish_fail);
        visit(&mut self.server_establish_fail);
        visit(&mut self.tcp_transfer_fail);
        visit(&mut self.tcp_rst_fail);
        visit(&mut self.tcp_timeout);
        visit(&mut self.batch_id);
    }

    /// The id columns of one end.
    pub fn end(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id,
            az_id: &mut self.az_id,
            host_id: &mut self.host_id,
            vpc_id: &mut self.vpc_id,
            subnet_id: &mut self.subnet_id,
            pod_cluster_id: &mut self.pod_cluster_id,
            pod_node_id: &mut self.pod_node_id,
            pod_ns_id: &mut self.pod_ns_id,
            pod_group_id: &mut self.pod_group_id,
            pod_id: &mut self.pod_id,
            service_id: &mut self.service_id,
            chost_id: &mut self.chost_id,
            gprocess_id: &mut self.gprocess_id,
            auto_instance_id: &mut self.auto_instance_id,
            auto_instance_type: &mut self.auto_instance_type,
            auto_service_id: &mut self.auto_service_id,
            auto_service_type: &mut self.auto_service_type,
            tag_source: &mut self.tag_source,
        }
    }
}

impl Layout for Network {
    const COLUMNS: &'static [ColumnDef] = NETWORK_COLUMNS;

    fn rows(&self) -> usize {
        self.rows
    }

    fn column_mut(&mut self, index: usize) -> ColumnMut<'_> {
        match index {
            0 => ColumnMut::TimeS(&mut self.time),
            1 => ColumnMut::U32(&mut self.region_id),
            2 => ColumnMut::U32(&mut self.az_id),
            3 => ColumnMut::U32(&mut self.host_id),
            4 => ColumnMut::U32(&mut self.vpc_id),
            5 => ColumnMut::U32(&mut self.subnet_id),
            6 => ColumnMut::U32(&mut self.pod_cluster_id),
            7 => ColumnMut::U32(&mut self.pod_node_id),
            8 => ColumnMut::U32(&mut self.pod_ns_id),
            9 => ColumnMut::U32(&mut self.pod_group_id),
            10 => ColumnMut::U32(&mut self.pod_id),
            11 => ColumnMut::U32(&mut self.service_id),
            12 => ColumnMut::U32(&mut self.chost_id),
            13 => ColumnMut::U32(&mut self.gprocess_id),
            14 => ColumnMut::U32(&mut self.auto_instance_id),
            15 => ColumnMut::U8(&mut self.auto_instance_type),
            16 => ColumnMut::U32(&mut self.auto_service_id),
            17 => ColumnMut::U8(&mut self.auto_service_type),
            18 => ColumnMut::U8(&mut self.tag_source),
            19 => ColumnMut::U8(&mut self.is_ipv4),
            20 => ColumnMut::Ip4(&mut self.ip4),
            21 => ColumnMut::Ip6(&mut self.ip6),
            22 => ColumnMut::U8(&mut self.role),
            23 => ColumnMut::U16(&mut self.server_port),
            24 => ColumnMut::U8(&mut self.protocol),
            25 => ColumnMut::U32(&mut self.agent_id),
            26 => ColumnMut::Label(&mut self.capture_nic),
            27 => ColumnMut::U8(&mut self.capture_nic_type),
            28 => ColumnMut::Label(&mut self.observation_point),
            29 => ColumnMut::U8(&mut self.signal_source),
            30 => ColumnMut::U64(&mut self.packet_tx),
            31 => ColumnMut::U64(&mut self.packet_rx),
            32 => ColumnMut::U64(&mut self.byte_tx),
            33 => ColumnMut::U64(&mut self.byte_rx),
            34 => ColumnMut::U64(&mut self.l3_byte_tx),
            35 => ColumnMut::U64(&mut self.l3_byte_rx),
            36 => ColumnMut::U64(&mut self.l4_byte_tx),
            37 => ColumnMut::U64(&mut self.l4_byte_rx),
            38 => ColumnMut::U64(&mut self.new_flow),
            39 => ColumnMut::U64(&mut self.closed_flow),
            40 => ColumnMut::U64(&mut self.flow_load),
            41 => ColumnMut::U32(&mut self.syn_count),
            42 => ColumnMut::U32(&mut self.synack_count),
            43 => ColumnMut::U32(&mut self.fin_count),
            44 => ColumnMut::U32(&mut self.retrans_tx),
            45 => ColumnMut::U32(&mut self.retrans_rx),
            46 => ColumnMut::U32(&mut self.retrans_syn),
            47 => ColumnMut::U32(&mut self.retrans_synack),
            48 => ColumnMut::U32(&mut self.zero_win_tx),
            49 => ColumnMut::U32(&mut self.zero_win_rx),
            50 => ColumnMut::U32(&mut self.ooo_tx),
            51 => ColumnMut::U32(&mut self.ooo_rx),
            52 => ColumnMut::U64(&mut self.rtt_sum),
            53 => ColumnMut::U32(&mut self.rtt_count),
            54 => ColumnMut::U32(&mut self.rtt_max),
            55 => ColumnMut::U64(&mut self.rtt_client_sum),
            56 => ColumnMut::U32(&mut self.rtt_client_count),
            57 => ColumnMut::U32(&mut self.rtt_client_max),
            58 => ColumnMut::U64(&mut self.rtt_server_sum),
            59 => ColumnMut::U32(&mut self.rtt_server_count),
            60 => ColumnMut::U32(&mut self.rtt_server_max),
            61 => ColumnMut::U64(&mut self.srt_sum),
            62 => ColumnMut::U32(&mut self.srt_count),
            63 => ColumnMut::U32(&mut self.srt_max),
            64 => ColumnMut::U64(&mut self.art_sum),
            65 => ColumnMut::U32(&mut self.art_count),
            66 => ColumnMut::U32(&mut self.art_max),
            67 => ColumnMut::U64(&mut self.cit_sum),
            68 => ColumnMut::U32(&mut self.cit_count),
            69 => ColumnMut::U32(&mut self.cit_max),
            70 => ColumnMut::U32(&mut self.client_establish_fail),
            71 => ColumnMut::U32(&mut self.server_establish_fail),
            72 => ColumnMut::U32(&mut self.tcp_transfer_fail),
            73 => ColumnMut::U32(&mut self.tcp_rst_fail),
            74 => ColumnMut::U32(&mut self.tcp_timeout),
            75 => ColumnMut::U64(&mut self.batch_id),
            _ => ColumnMut::Absent,
        }
    }

    fn nbytes(&mut self) -> usize {
        let mut bytes = 0;
        self.each(|column| bytes += column.nbytes());
        bytes
    }

    fn commit(&mut self) {
        self.rows += 1;
    }

    fn rollback(&mut self, rows: usize) {
        self.rows = rows;
        self.each(|column| column.truncate(rows));
    }

    fn take(&mut self) -> Vec<Column> {
        let rows = self.rows;
        self.each(|column| {
            if !column.is_empty() {
                column.fill(rows);
            }
        });
        self.rows = 0;
        vec![
            Column::TimeS(self.time.hand_over()),
            Column::U32(self.region_id.hand_over()),
            Column::U32(self.az_id.hand_over()),
            Column::U32(self.host_id.hand_over()),
            Column::U32(self.vpc_id.hand_over()),
            Column::U32(self.subnet_id.hand_over()),
            Column::U32(self.pod_cluster_id.hand_over()),
            Column::U32(self.pod_node_id.hand_over()),
            Column::U32(self.pod_ns_id.hand_over()),
            Column::U32(self.pod_group_id.hand_over()),
            Column::U32(self.pod_id.hand_over()),
            Column::U32(self.service_id.hand_over()),
            Column::U32(self.chost_id.hand_over()),
            Column::U32(self.gprocess_id.hand_over()),
            Column::U32(self.auto_instance_id.hand_over()),
            Column::U8(self.auto_instance_type.hand_over()),
            Column::U32(self.auto_service_id.hand_over()),
            Column::U8(self.auto_service_type.hand_over()),
            Column::U8(self.tag_source.hand_over()),
            Column::U8(self.is_ipv4.hand_over()),
            Column::Ip4(self.ip4.hand_over()),
            Column::Ip6(self.ip6.hand_over()),
            Column::U8(self.role.hand_over()),
            Column::U16(self.server_port.hand_over()),
            Column::U8(self.protocol.hand_over()),
            Column::U32(self.agent_id.hand_over()),
            Column::Label(self.capture_nic.hand_over()),
            Column::U8(self.capture_nic_type.hand_over()),
            Column::Label(self.observation_point.hand_over()),
            Column::U8(self.signal_source.hand_over()),
            Column::U64(self.packet_tx.hand_over()),
            Column::U64(self.packet_rx.hand_over()),
            Column::U64(self.byte_tx.hand_over()),
            Column::U64(self.byte_rx.hand_over()),
            Column::U64(self.l3_byte_tx.hand_over()),
            Column::U64(self.l3_byte_rx.hand_over()),
            Column::U64(self.l4_byte_tx.hand_over()),
            Column::U64(self.l4_byte_rx.hand_over()),
            Column::U64(self.new_flow.hand_over()),
            Column::U64(self.closed_flow.hand_over()),
            Column::U64(self.flow_load.hand_over()),
            Column::U32(self.syn_count.hand_over()),
            Column::U32(self.synack_count.hand_over()),
            Column::U32(self.fin_count.hand_over()),
            Column::U32(self.retrans_tx.hand_over()),
            Column::U32(self.retrans_rx.hand_over()),
            Column::U32(self.retrans_syn.hand_over()),
            Column::U32(self.retrans_synack.hand_over()),
            Column::U32(self.zero_win_tx.hand_over()),
            Column::U32(self.zero_win_rx.hand_over()),
            Column::U32(self.ooo_tx.hand_over()),
            Column::U32(self.ooo_rx.hand_over()),
            Column::U64(self.rtt_sum.hand_over()),
            Column::U32(self.rtt_count.hand_over()),
            Column::U32(self.rtt_max.hand_over()),
            Column::U64(self.rtt_client_sum.hand_over()),
            Column::U32(self.rtt_client_count.hand_over()),
            Column::U32(self.rtt_client_max.hand_over()),
            Column::U64(self.rtt_server_sum.hand_over()),
            Column::U32(self.rtt_server_count.hand_over()),
            Column::U32(self.rtt_server_max.hand_over()),
            Column::U64(self.srt_sum.hand_over()),
            Column::U32(self.srt_count.hand_over()),
            Column::U32(self.srt_max.hand_over()),
            Column::U64(self.art_sum.hand_over()),
            Column::U32(self.art_count.hand_over()),
            Column::U32(self.art_max.hand_over()),
            Column::U64(self.cit_sum.hand_over()),
            Column::U32(self.cit_count.hand_over()),
            Column::U32(self.cit_max.hand_over()),
            Column::U32(self.client_establish_fail.hand_over()),
            Column::U32(self.server_establish_fail.hand_over()),
            Column::U32(self.tcp_transfer_fail.hand_over()),
            Column::U32(self.tcp_rst_fail.hand_over()),
            Column::U32(self.tcp_timeout.hand_over()),
            Column::U64(self.batch_id.hand_over()),
        ]
    }
}

/// Columns of `flow_metrics.network_map.1s`, `flow_metrics.network_map.1m`.
#[derive(Default)]
pub struct NetworkMap {
    rows: usize,
    /// Beginning of the second or minute.
    pub time: Num<u32>,
    /// Id of the region at the client.
    pub region_id_0: Num<u32>,
    /// Id of the availability zone at the client.
    pub az_id_0: Num<u32>,
    /// Id of the hypervisor or physical host at the client.
    pub host_id_0: Num<u32>,
    /// Id of the VPC at the client.
    pub vpc_id_0: Num<u32>,
    /// Id of the subnet at the client.
    pub subnet_id_0: Num<u32>,
    /// Id of the Kubernetes cluster at the client.
    pub pod_cluster_id_0: Num<u32>,
    /// Id of the Kubernetes node at the client.
    pub pod_node_id_0: Num<u32>,
    /// Id of the Kubernetes namespace at the client.
    pub pod_ns_id_0: Num<u32>,
    /// Id of the Kubernetes workload at the client.
    pub pod_group_id_0: Num<u32>,
    /// Id of the Kubernetes pod at the client.
    pub pod_id_0: Num<u32>,
    /// Id of the Kubernetes service at the client.
    pub service_id_0: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at the client.
    pub chost_id_0: Num<u32>,
    /// Id of the process at the client.
    pub gprocess_id_0: Num<u32>,
    /// Most specific known instance at the client.
    pub auto_instance_id_0: Num<u32>,
    /// Which kind of instance that is, at the client.
    pub auto_instance_type_0: Num<u8>,
    /// Most specific known service at the client.
    pub auto_service_id_0: Num<u32>,
    /// Which kind of service that is, at the client.
    pub auto_service_type_0: Num<u8>,
    /// Bit set of the lookups that matched the client.
    pub tag_source_0: Num<u8>,
    /// Id of the region at the server.
    pub region_id_1: Num<u32>,
    /// Id of the availability zone at the server.
    pub az_id_1: Num<u32>,
    /// Id of the hypervisor or physical host at the server.
    pub host_id_1: Num<u32>,
    /// Id of the VPC at the server.
    pub vpc_id_1: Num<u32>,
    /// Id of the subnet at the server.
    pub subnet_id_1: Num<u32>,
    /// Id of the Kubernetes cluster at the server.
    pub pod_cluster_id_1: Num<u32>,
    /// Id of the Kubernetes node at the server.
    pub pod_node_id_1: Num<u32>,
    /// Id of the Kubernetes namespace at the server.
    pub pod_ns_id_1: Num<u32>,
    /// Id of the Kubernetes workload at the server.
    pub pod_group_id_1: Num<u32>,
    /// Id of the Kubernetes pod at the server.
    pub pod_id_1: Num<u32>,
    /// Id of the Kubernetes service at the server.
    pub service_id_1: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at the server.
    pub chost_id_1: Num<u32>,
    /// Id of the process at the server.
    pub gprocess_id_1: Num<u32>,
    /// Most specific known instance at the server.
    pub auto_instance_id_1: Num<u32>,
    /// Which kind of instance that is, at the server.
    pub auto_instance_type_1: Num<u8>,
    /// Most specific known service at the server.
    pub auto_service_id_1: Num<u32>,
    /// Which kind of service that is, at the server.
    pub auto_service_type_1: Num<u8>,
    /// Bit set of the lookups that matched the server.
    pub tag_source_1: Num<u8>,
    /// 1 where the addresses are in ip4_0 and ip4_1, 0 where they are in ip6_0 and ip6_1.
    pub is_ipv4: Num<u8>,
    /// IPv4 address of the client.
    pub ip4_0: Num<u32>,
    /// IPv4 address of the server.
    pub ip4_1: Num<u32>,
    /// IPv6 address of the client.
    pub ip6_0: Num<[u8; 16]>,
    /// IPv6 address of the server.
    pub ip6_1: Num<[u8; 16]>,
    /// Port of the server.
    pub server_port: Num<u16>,
    /// IP protocol number.
    pub protocol: Num<u8>,
    /// Agent that saw it.
    pub agent_id: Num<u32>,
    /// Interface it was seen on.
    pub capture_nic: Label,
    /// Kind of that interface.
    pub capture_nic_type: Num<u8>,
    /// Where on the way it was seen: c, s, c-nd, s-nd, local, rest, app …
    pub observation_point: Label,
    /// What it was derived from.
    pub signal_source: Num<u8>,
    /// Packets, client to server.
    pub packet_tx: Num<u64>,
    /// Packets, server to client.
    pub packet_rx: Num<u64>,
    /// Bytes on the wire with the link header, client to server.
    pub byte_tx: Num<u64>,
    /// Bytes on the wire with the link header, server to client.
    pub byte_rx: Num<u64>,
    /// Bytes of IP payload, client to server.
    pub l3_byte_tx: Num<u64>,
    /// Bytes of IP payload, server to client.
    pub l3_byte_rx: Num<u64>,
    /// Bytes of TCP or UDP payload, client to server.
    pub l4_byte_tx: Num<u64>,
    /// Bytes of TCP or UDP payload, server to client.
    pub l4_byte_rx: Num<u64>,
    /// Flows that began.
    pub new_flow: Num<u64>,
    /// Flows that ended.
    pub closed_flow: Num<u64>,
    /// Flows that were alive at the end of the interval.
    pub flow_load: Num<u64>,
    /// SYN packets without ACK.
    pub syn_count: Num<u32>,
    /// SYN-ACK packets.
    pub synack_count: Num<u32>,
    /// FIN packets.
    pub fin_count: Num<u32>,
    /// Retransmitted packets, client to server.
    pub retrans_tx: Num<u32>,
    /// Retransmitted packets, server to client.
    pub retrans_rx: Num<u32>,
    /// Repeated SYN packets.
    pub retrans_syn: Num<u32>,
    /// Repeated SYN-ACK packets.
    pub retrans_synack: Num<u32>,
    /// Zero windows announced by the client.
    pub zero_win_tx: Num<u32>,
    /// Zero windows announced by the server.
    pub zero_win_rx: Num<u32>,
    /// Out-of-order packets, client to server.
    pub ooo_tx: Num<u32>,
    /// Out-of-order packets, server to client.
    pub ooo_rx: Num<u32>,
    /// First SYN to the last handshake ACK: sum of the samples.
    pub rtt_sum: Num<u64>,
    /// First SYN to the last handshake ACK: number of the samples.
    pub rtt_count: Num<u32>,
    /// First SYN to the last handshake ACK: longest of the samples.
    pub rtt_max: Num<u32>,
    /// SYN-ACK to each handshake ACK: sum of the samples.
    pub rtt_client_sum: Num<u64>,
    /// SYN-ACK to each handshake ACK: number of the samples.
    pub rtt_client_count: Num<u32>,
    /// SYN-ACK to each handshake ACK: longest of the samples.
    pub rtt_client_max: Num<u32>,
    /// SYN to each SYN-ACK: sum of the samples.
    pub rtt_server_sum: Num<u64>,
    /// SYN to each SYN-ACK: number of the samples.
    pub rtt_server_count: Num<u32>,
    /// SYN to each SYN-ACK: longest of the samples.
    pub rtt_server_max: Num<u32>,
    /// Data to the pure ACK of it: sum of the samples.
    pub srt_sum: Num<u64>,
    /// Data to the pure ACK of it: number of the samples.
    pub srt_count: Num<u32>,
    /// Data to the pure ACK of it: longest of the samples.
    pub srt_max: Num<u32>,
    /// Last request byte to first response byte: sum of the samples.
    pub art_sum: Num<u64>,
    /// Last request byte to first response byte: number of the samples.
    pub art_count: Num<u32>,
    /// Last request byte to first response byte: longest of the samples.
    pub art_max: Num<u32>,
    /// Handshake ACK or last response to the next request: sum of the samples.
    pub cit_sum: Num<u64>,
    /// Handshake ACK or last response to the next request: number of the samples.
    pub cit_count: Num<u32>,
    /// Handshake ACK or last response to the next request: longest of the samples.
    pub cit_max: Num<u32>,
    /// Connections not established because of the client.
    pub client_establish_fail: Num<u32>,
    /// Connections not established because of the server.
    pub server_establish_fail: Num<u32>,
    /// Established connections that ended badly.
    pub tcp_transfer_fail: Num<u32>,
    /// Connections that a reset ended.
    pub tcp_rst_fail: Num<u32>,
    /// Connections that fell silent.
    pub tcp_timeout: Num<u32>,
    /// Hash of the OTLP request that carried this row; a repeated request is recognised by it, also after a restart.
    pub batch_id: Num<u64>,
}

/// Names, kinds and OTLP attribute keys of those columns, in the order of the declaration.
pub static NETWORK_MAP_COLUMNS: &[ColumnDef] = &[
    ColumnDef { name: "time", kind: Kind::TimeS, attribute: "weir.time" },
    ColumnDef { name: "region_id_0", kind: Kind::U32, attribute: "weir.region_id_0" },
    ColumnDef { name: "az_id_0", kind: Kind::U32, attribute: "weir.az_id_0" },
    ColumnDef { name: "host_id_0", kind: Kind::U32, attribute: "weir.host_id_0" },
    ColumnDef { name: "vpc_id_0", kind: Kind::U32, attribute: "weir.vpc_id_0" },
    ColumnDef { name: "subnet_id_0", kind: Kind::U32, attribute: "weir.subnet_id_0" },
    ColumnDef { name: "pod_cluster_id_0", kind: Kind::U32, attribute: "weir.pod_cluster_id_0" },
    ColumnDef { name: "pod_node_id_0", kind: Kind::U32, attribute: "weir.pod_node_id_0" },
    ColumnDef { name: "pod_ns_id_0", kind: Kind::U32, attribute: "weir.pod_ns_id_0" },
    ColumnDef { name: "pod_group_id_0", kind: Kind::U32, attribute: "weir.pod_group_id_0" },
    ColumnDef { name: "pod_id_0", kind: Kind::U32, attribute: "weir.pod_id_0" },
    ColumnDef { name: "service_id_0", kind: Kind::U32, attribute: "weir.service_id_0" },
    ColumnDef { name: "chost_id_0", kind: Kind::U32, attribute: "weir.chost_id_0" },
    ColumnDef { name: "gprocess_id_0", kind: Kind::U32, attribute: "weir.gprocess_id_0" },
    ColumnDef { name: "auto_instance_id_0", kind: Kind::U32, attribute: "weir.auto_instance_id_0" },
    ColumnDef { name: "auto_instance_type_0", kind: Kind::U8, attribute: "weir.auto_instance_type_0" },
    ColumnDef { name: "auto_service_id_0", kind: Kind::U32, attribute: "weir.auto_service_id_0" },
    ColumnDef { name: "auto_service_type_0", kind: Kind::U8, attribute: "weir.auto_service_type_0" },
    ColumnDef { name: "tag_source_0", kind: Kind::U8, attribute: "weir.tag_source_0" },
    ColumnDef { name: "region_id_1", kind: Kind::U32, attribute: "weir.region_id_1" },
    ColumnDef { name: "az_id_1", kind: Kind::U32, attribute: "weir.az_id_1" },
    ColumnDef { name: "host_id_1", kind: Kind::U32, attribute: "weir.host_id_1" },
    ColumnDef { name: "vpc_id_1", kind: Kind::U32, attribute: "weir.vpc_id_1" },
    ColumnDef { name: "subnet_id_1", kind: Kind::U32, attribute: "weir.subnet_id_1" },
    ColumnDef { name: "pod_cluster_id_1", kind: Kind::U32, attribute: "weir.pod_cluster_id_1" },
    ColumnDef { name: "pod_node_id_1", kind: Kind::U32, attribute: "weir.pod_node_id_1" },
    ColumnDef { name: "pod_ns_id_1", kind: Kind::U32, attribute: "weir.pod_ns_id_1" },
    ColumnDef { name: "pod_group_id_1", kind: Kind::U32, attribute: "weir.pod_group_id_1" },
    ColumnDef { name: "pod_id_1", kind: Kind::U32, attribute: "weir.pod_id_1" },
    ColumnDef { name: "service_id_1", kind: Kind::U32, attribute: "weir.service_id_1" },
    ColumnDef { name: "chost_id_1", kind: Kind::U32, attribute: "weir.chost_id_1" },
    ColumnDef { name: "gprocess_id_1", kind: Kind::U32, attribute: "weir.gprocess_id_1" },
    ColumnDef { name: "auto_instance_id_1", kind: Kind::U32, attribute: "weir.auto_instance_id_1" },
    ColumnDef { name: "auto_instance_type_1", kind: Kind::U8, attribute: "weir.auto_instance_type_1" },
    ColumnDef { name: "auto_service_id_1", kind: Kind::U32, attribute: "weir.auto_service_id_1" },
    ColumnDef { name: "auto_service_type_1", kind: Kind::U8, attribute: "weir.auto_service_type_1" },
    ColumnDef { name: "tag_source_1", kind: Kind::U8, attribute: "weir.tag_source_1" },
    ColumnDef { name: "is_ipv4", kind: Kind::U8, attribute: "weir.is_ipv4" },
    ColumnDef { name: "ip4_0", kind: Kind::Ip4, attribute: "source.address" },
    ColumnDef { name: "ip4_1", kind: Kind::Ip4, attribute: "destination.address" },
    ColumnDef { name: "ip6_0", kind: Kind::Ip6, attribute: "source.address" },
    ColumnDef { name: "ip6_1", kind: Kind::Ip6, attribute: "destination.address" },
    ColumnDef { name: "server_port", kind: Kind::U16, attribute: "weir.server_port" },
    ColumnDef { name: "protocol", kind: Kind::U8, attribute: "weir.protocol" },
    ColumnDef { name: "agent_id", kind: Kind::U32, attribute: "weir.agent_id" },
    ColumnDef { name: "capture_nic", kind: Kind::Label, attribute: "weir.capture_nic" },
    ColumnDef { name: "capture_nic_type", kind: Kind::U8, attribute: "weir.capture_nic_type" },
    ColumnDef { name: "observation_point", kind: Kind::Label, attribute: "weir.observation_point" },
    ColumnDef { name: "signal_source", kind: Kind::U8, attribute: "weir.signal_source" },
    ColumnDef { name: "packet_tx", kind: Kind::U64, attribute: "weir.packet_tx" },
    ColumnDef { name: "packet_rx", kind: Kind::U64, attribute: "weir.packet_rx" },
    ColumnDef { name: "byte_tx", kind: Kind::U64, attribute: "weir.byte_tx" },
    ColumnDef { name: "byte_rx", kind: Kind::U64, attribute: "weir.byte_rx" },
    ColumnDef { name: "l3_byte_tx", kind: Kind::U64, attribute: "weir.l3_byte_tx" },
    ColumnDef { name: "l3_byte_rx", kind: Kind::U64, attribute: "weir.l3_byte_rx" },
    ColumnDef { name: "l4_byte_tx", kind: Kind::U64, attribute: "weir.l4_byte_tx" },
    ColumnDef { name: "l4_byte_rx", kind: Kind::U64, attribute: "weir.l4_byte_rx" },
    ColumnDef { name: "new_flow", kind: Kind::U64, attribute: "weir.new_flow" },
    ColumnDef { name: "closed_flow", kind: Kind::U64, attribute: "weir.closed_flow" },
    ColumnDef { name: "flow_load", kind: Kind::U64, attribute: "weir.flow_load" },
    ColumnDef { name: "syn_count", kind: Kind::U32, attribute: "weir.syn_count" },
    ColumnDef { name: "synack_count", kind: Kind::U32, attribute: "weir.synack_count" },
    ColumnDef { name: "fin_count", kind: Kind::U32, attribute: "weir.fin_count" },
    ColumnDef { name: "retrans_tx", kind: Kind::U32, attribute: "weir.retrans_tx" },
    ColumnDef { name: "retrans_rx", kind: Kind::U32, attribute: "weir.retrans_rx" },
    ColumnDef { name: "retrans_syn", kind: Kind::U32, attribute: "weir.retrans_syn" },
    ColumnDef { name: "retrans_synack", kind: Kind::U32, attribute: "weir.retrans_synack" },
    ColumnDef { name: "zero_win_tx", kind: Kind::U32, attribute: "weir.zero_win_tx" },
    ColumnDef { name: "zero_win_rx", kind: Kind::U32, attribute: "weir.zero_win_rx" },
    ColumnDef { name: "ooo_tx", kind: Kind::U32, attribute: "weir.ooo_tx" },
    ColumnDef { name: "ooo_rx", kind: Kind::U32, attribute: "weir.ooo_rx" },
    ColumnDef { name: "rtt_sum", kind: Kind::U64, attribute: "weir.rtt_sum" },
    ColumnDef { name: "rtt_count", kind: Kind::U32, attribute: "weir.rtt_count" },
    ColumnDef { name: "rtt_max", kind: Kind::U32, attribute: "weir.rtt_max" },
    ColumnDef { name: "rtt_client_sum", kind: Kind::U64, attribute: "weir.rtt_client_sum" },
    ColumnDef { name: "rtt_client_count", kind: Kind::U32, attribute: "weir.rtt_client_count" },
    ColumnDef { name: "rtt_client_max", kind: Kind::U32, attribute: "weir.rtt_client_max" },
    ColumnDef { name: "rtt_server_sum", kind: Kind::U64, attribute: "weir.rtt_server_sum" },
    ColumnDef { name: "rtt_server_count", kind: Kind::U32, attribute: "weir.rtt_server_count" },
    ColumnDef { name: "rtt_server_max", kind: Kind::U32, attribute: "weir.rtt_server_max" },
    ColumnDef { name: "srt_sum", kind: Kind::U64, attribute: "weir.srt_sum" },
    ColumnDef { name: "srt_count", kind: Kind::U32, attribute: "weir.srt_count" },
    ColumnDef { name: "srt_max", kind: Kind::U32, attribute: "weir.srt_max" },
    ColumnDef { name: "art_sum", kind: Kind::U64, attribute: "weir.art_sum" },
    ColumnDef { name: "art_count", kind: Kind::U32, attribute: "weir.art_count" },
    ColumnDef { name: "art_max", kind: Kind::U32, attribute: "weir.art_max" },
    ColumnDef { name: "cit_sum", kind: Kind::U64, attribute: "weir.cit_sum" },
    ColumnDef { name: "cit_count", kind: Kind::U32, attribute: "weir.cit_count" },
    ColumnDef { name: "cit_max", kind: Kind::U32, attribute: "weir.cit_max" },
    ColumnDef { name: "client_establish_fail", kind: Kind::U32, attribute: "weir.client_establish_fail" },
    ColumnDef { name: "server_establish_fail", kind: Kind::U32, attribute: "weir.server_establish_fail" },
    ColumnDef { name: "tcp_transfer_fail", kind: Kind::U32, attribute: "weir.tcp_transfer_fail" },
    ColumnDef { name: "tcp_rst_fail", kind: Kind::U32, attribute: "weir.tcp_rst_fail" },
    ColumnDef { name: "tcp_timeout", kind: Kind::U32, attribute: "weir.tcp_timeout" },
    ColumnDef { name: "batch_id", kind: Kind::U64, attribute: "weir.batch_id" },
];

/// `flow_metrics.network_map.1s`: L4 measures of a pair of ends, per second.
pub static FLOW_METRICS_NETWORK_MAP_1S: TableDef = TableDef { name: "flow_metrics.network_map.1s", columns: NETWORK_MAP_COLUMNS };
/// `flow_metrics.network_map.1m`: L4 measures of a pair of ends, per minute.
pub static FLOW_METRICS_NETWORK_MAP_1M: TableDef = TableDef { name: "flow_metrics.network_map.1m", columns: NETWORK_MAP_COLUMNS };

impl NetworkMap {
    fn each(&mut self, mut visit: impl FnMut(&mut dyn Rows)) {
        visit(&mut self.time);
        visit(&mut self.region_id_0);
        visit(&mut self.az_id_0);
        visit(&mut self.host_id_0);
        visit(&mut self.vpc_id_0);
        visit(&mut self.subnet_id_0);
        visit(&mut self.pod_cluster_id_0);
        visit(&mut self.pod_node_id_0);
        visit(&mut self.pod_ns_id_0);
        visit(&mut self.pod_group_id_0);
        visit(&mut self.pod_id_0);
        visit(&mut self.service_id_0);
        visit(&mut self.chost_id_0);
        visit(&mut self.gprocess_id_0);
        visit(&mut self.auto_instance_id_0);
        visit(&mut self.auto_instance_type_0);
        visit(&mut self.auto_service_id_0);
        visit(&mut self.auto_service_type_0);
        visit(&mut self.tag_source_0);
        visit(&mut self.region_id_1);
        visit(&mut self.az_id_1);
        visit(&mut self.host_id_1);
        visit(&mut self.vpc_id_1);
        visit(&mut self.subnet_id_1);
        visit(&mut self.pod_cluster_id_1);
        visit(&mut self.pod_node_id_1);
        visit(&mut self.pod_ns_id_1);
        visit(&mut self.pod_group_id_1);
        visit(&mut self.pod_id_1);
        visit(&mut self.service_id_1);
        visit(&mut self.chost_id_1);
        visit(&mut self.gprocess_id_1);
        visit(&mut self.auto_instance_id_1);
        visit(&mut self.auto_instance_type_1);
        visit(&mut self.auto_service_id_1);
        visit(&mut self.auto_service_type_1);
        visit(&mut self.tag_source_1);
        visit(&mut self.is_ipv4);
        visit(&mut self.ip4_0);
        visit(&mut self.ip4_1);
        visit(&mut self.ip6_0);
        visit(&mut self.ip6_1);
        visit(&mut self.server_port);
        visit(&mut self.protocol);
        visit(&mut self.agent_id);
        visit(&mut self.capture_nic);
        visit(&mut self.capture_nic_type);
        visit(&mut self.observation_point);
        visit(&mut self.signal_source);
        visit(&mut self.packet_tx);
        visit(&mut self.packet_rx);
        visit(&mut self.byte_tx);
        visit(&mut self.byte_rx);
        visit(&mut self.l3_byte_tx);
        visit(&mut self.l3_byte_rx);
        visit(&mut self.l4_byte_tx);
        visit(&mut self.l4_byte_rx);
        visit(&mut self.new_flow);
        visit(&mut self.closed_flow);
        visit(&mut self.flow_load);
        visit(&mut self.syn_count);
        visit(&mut self.synack_count);
        visit(&mut self.fin_count);
        visit(&mut self.retrans_tx);
        visit(&mut self.retrans_rx);
        visit(&mut self.retrans_syn);
        visit(&mut self.retrans_synack);
        visit(&mut self.zero_win_tx);
        visit(&mut self.zero_win_rx);
        visit(&mut self.ooo_tx);
        visit(&mut self.ooo_rx);
        visit(&mut self.rtt_sum);
        visit(&mut self.rtt_count);
        visit(&mut self.rtt_max);
        visit(&mut self.rtt_client_sum);
        visit(&mut self.rtt_client_count);
        visit(&mut self.rtt_client_max);
        visit(&mut self.rtt_server_sum);
        visit(&mut self.rtt_server_count);
        visit(&mut self.rtt_server_max);
        visit(&mut self.srt_sum);
        visit(&mut self.srt_count);
        visit(&mut self.srt_max);
        visit(&mut self.art_sum);
        visit(&mut self.art_count);
        visit(&mut self.art_max);
        visit(&mut self.cit_sum);
        visit(&mut self.cit_count);
        visit(&mut self.cit_max);
        visit(&mut self.client_establish_fail);
        visit(&mut self.server_establish_fail);
        visit(&mut self.tcp_transfer_fail);
        visit(&mut self.tcp_rst_fail);
        visit(&mut self.tcp_timeout);
        visit(&mut self.batch_id);
    }

    /// The id columns of the end 0.
    pub fn end_0(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id_0,
            az_id: &mut self.az_id_0,
            host_id: &mut self.host_id_0,
            vpc_id: &mut self.vpc_id_0,
            subnet_id: &mut self.subnet_id_0,
            pod_cluster_id: &mut self.pod_cluster_id_0,
            pod_node_id: &mut self.pod_node_id_0,
            pod_ns_id: &mut self.pod_ns_id_0,
            pod_group_id: &mut self.pod_group_id_0,
            pod_id: &mut self.pod_id_0,
            service_id: &mut self.service_id_0,
            chost_id: &mut self.chost_id_0,
            gprocess_id: &mut self.gprocess_id_0,
            auto_instance_id: &mut self.auto_instance_id_0,
            auto_instance_type: &mut self.auto_instance_type_0,
            auto_service_id: &mut self.auto_service_id_0,
            auto_service_type: &mut self.auto_service_type_0,
            tag_source: &mut self.tag_source_0,
        }
    }

    /// The id columns of the end 1.
    pub fn end_1(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id_1,
            az_id: &mut self.az_id_1,
            host_id: &mut self.host_id_1,
            vpc_id: &mut self.vpc_id_1,
            subnet_id: &mut self.subnet_id_1,
            pod_cluster_id: &mut self.pod_cluster_id_1,
            pod_node_id: &mut self.pod_node_id_1,
            pod_ns_id: &mut self.pod_ns_id_1,
            pod_group_id: &mut self.pod_group_id_1,
            pod_id: &mut self.pod_id_1,
            service_id: &mut self.service_id_1,
            chost_id: &mut self.chost_id_1,
            gprocess_id: &mut self.gprocess_id_1,
            auto_instance_id: &mut self.auto_instance_id_1,
            auto_instance_type: &mut self.auto_instance_type_1,
            auto_service_id: &mut self.auto_service_id_1,
            auto_service_type: &mut self.auto_service_type_1,
            tag_source: &mut self.tag_source_1,
        }
    }
}

impl Layout for NetworkMap {
    const COLUMNS: &'static [ColumnDef] = NETWORK_MAP_COLUMNS;

    fn rows(&self) -> usize {
        self.rows
    }

    fn column_mut(&mut self, index: usize) -> ColumnMut<'_> {
        match index {
            0 => ColumnMut::TimeS(&mut self.time),
            1 => ColumnMut::U32(&mut self.region_id_0),
            2 => ColumnMut::U32(&mut self.az_id_0),
            3 => ColumnMut::U32(&mut self.host_id_0),
            4 => ColumnMut::U32(&mut self.vpc_id_0),
            5 => ColumnMut::U32(&mut self.subnet_id_0),
            6 => ColumnMut::U32(&mut self.pod_cluster_id_0),
            7 => ColumnMut::U32(&mut self.pod_node_id_0),
            8 => ColumnMut::U32(&mut self.pod_ns_id_0),
            9 => ColumnMut::U32(&mut self.pod_group_id_0),
            10 => ColumnMut::U32(&mut self.pod_id_0),
            11 => ColumnMut::U32(&mut self.service_id_0),
            12 => ColumnMut::U32(&mut self.chost_id_0),
            13 => ColumnMut::U32(&mut self.gprocess_id_0),
            14 => ColumnMut::U32(&mut self.auto_instance_id_0),
            15 => ColumnMut::U8(&mut self.auto_instance_type_0),
            16 => ColumnMut::U32(&mut self.auto_service_id_0),
            17 => ColumnMut::U8(&mut self.auto_service_type_0),
            18 => ColumnMut::U8(&mut self.tag_source_0),
            19 => ColumnMut::U32(&mut self.region_id_1),
            20 => ColumnMut::U32(&mut self.az_id_1),
            21 => ColumnMut::U32(&mut self.host_id_1),
            22 => ColumnMut::U32(&mut self.vpc_id_1),
            23 => ColumnMut::U32(&mut self.subnet_id_1),
            24 => ColumnMut::U32(&mut self.pod_cluster_id_1),
            25 => ColumnMut::U32(&mut self.pod_node_id_1),
            26 => ColumnMut::U32(&mut self.pod_ns_id_1),
            27 => ColumnMut::U32(&mut self.pod_group_id_1),
            28 => ColumnMut::U32(&mut self.pod_id_1),
            29 => ColumnMut::U32(&mut self.service_id_1),
            30 => ColumnMut::U32(&mut self.chost_id_1),
            31 => ColumnMut::U32(&mut self.gprocess_id_1),
            32 => ColumnMut::U32(&mut self.auto_instance_id_1),
            33 => ColumnMut::U8(&mut self.auto_instance_type_1),
            34 => ColumnMut::U32(&mut self.auto_service_id_1),
            35 => ColumnMut::U8(&mut self.auto_service_type_1),
            36 => ColumnMut::U8(&mut self.tag_source_1),
            37 => ColumnMut::U8(&mut self.is_ipv4),
            38 => ColumnMut::Ip4(&mut self.ip4_0),
            39 => ColumnMut::Ip4(&mut self.ip4_1),
            40 => ColumnMut::Ip6(&mut self.ip6_0),
            41 => ColumnMut::Ip6(&mut self.ip6_1),
            42 => ColumnMut::U16(&mut self.server_port),
            43 => ColumnMut::U8(&mut self.protocol),
            44 => ColumnMut::U32(&mut self.agent_id),
            45 => ColumnMut::Label(&mut self.capture_nic),
            46 => ColumnMut::U8(&mut self.capture_nic_type),
            47 => ColumnMut::Label(&mut self.observation_point),
            48 => ColumnMut::U8(&mut self.signal_source),
            49 => ColumnMut::U64(&mut self.packet_tx),
            50 => ColumnMut::U64(&mut self.packet_rx),
            51 => ColumnMut::U64(&mut self.byte_tx),
            52 => ColumnMut::U64(&mut self.byte_rx),
            53 => ColumnMut::U64(&mut self.l3_byte_tx),
            54 => ColumnMut::U64(&mut self.l3_byte_rx),
            55 => ColumnMut::U64(&mut self.l4_byte_tx),
            56 => ColumnMut::U64(&mut self.l4_byte_rx),
            57 => ColumnMut::U64(&mut self.new_flow),
            58 => ColumnMut::U64(&mut self.closed_flow),
            59 => ColumnMut::U64(&mut self.flow_load),
            60 => ColumnMut::U32(&mut self.syn_count),
            61 => ColumnMut::U32(&mut self.synack_count),
            62 => ColumnMut::U32(&mut self.fin_count),
            63 => ColumnMut::U32(&mut self.retrans_tx),
            64 => ColumnMut::U32(&mut self.retrans_rx),
            65 => ColumnMut::U32(&mut self.retrans_syn),
            66 => ColumnMut::U32(&mut self.retrans_synack),
            67 => ColumnMut::U32(&mut self.zero_win_tx),
            68 => ColumnMut::U32(&mut self.zero_win_rx),
            69 => ColumnMut::U32(&mut self.ooo_tx),
            70 => ColumnMut::U32(&mut self.ooo_rx),
            71 => ColumnMut::U64(&mut self.rtt_sum),
            72 => ColumnMut::U32(&mut self.rtt_count),
            73 => ColumnMut::U32(&mut self.rtt_max),
            74 => ColumnMut::U64(&mut self.rtt_client_sum),
            75 => ColumnMut::U32(&mut self.rtt_client_count),
            76 => ColumnMut::U32(&mut self.rtt_client_max),
            77 => ColumnMut::U64(&mut self.rtt_server_sum),
            78 => ColumnMut::U32(&mut self.rtt_server_count),
            79 => ColumnMut::U32(&mut self.rtt_server_max),
            80 => ColumnMut::U64(&mut self.srt_sum),
            81 => ColumnMut::U32(&mut self.srt_count),
            82 => ColumnMut::U32(&mut self.srt_max),
            83 => ColumnMut::U64(&mut self.art_sum),
            84 => ColumnMut::U32(&mut self.art_count),
            85 => ColumnMut::U32(&mut self.art_max),
            86 => ColumnMut::U64(&mut self.cit_sum),
            87 => ColumnMut::U32(&mut self.cit_count),
            88 => ColumnMut::U32(&mut self.cit_max),
            89 => ColumnMut::U32(&mut self.client_establish_fail),
            90 => ColumnMut::U32(&mut self.server_establish_fail),
            91 => ColumnMut::U32(&mut self.tcp_transfer_fail),
            92 => ColumnMut::U32(&mut self.tcp_rst_fail),
            93 => ColumnMut::U32(&mut self.tcp_timeout),
            94 => ColumnMut::U64(&mut self.batch_id),
            _ => ColumnMut::Absent,
        }
    }

    fn nbytes(&mut self) -> usize {
        let mut bytes = 0;
        self.each(|column| bytes += column.nbytes());
        bytes
    }

    fn commit(&mut self) {
        self.rows += 1;
    }

    fn rollback(&mut self, rows: usize) {
        self.rows = rows;
        self.each(|column| column.truncate(rows));
    }

    fn take(&mut self) -> Vec<Column> {
        let rows = self.rows;
        self.each(|column| {
            if !column.is_empty() {
                column.fill(rows);
            }
        });
        self.rows = 0;
        vec![
            Column::TimeS(self.time.hand_over()),
            Column::U32(self.region_id_0.hand_over()),
            Column::U32(self.az_id_0.hand_over()),
            Column::U32(self.host_id_0.hand_over()),
            Column::U32(self.vpc_id_0.hand_over()),
            Column::U32(self.subnet_id_0.hand_over()),
            Column::U32(self.pod_cluster_id_0.hand_over()),
            Column::U32(self.pod_node_id_0.hand_over()),
            Column::U32(self.pod_ns_id_0.hand_over()),
            Column::U32(self.pod_group_id_0.hand_over()),
            Column::U32(self.pod_id_0.hand_over()),
            Column::U32(self.service_id_0.hand_over()),
            Column::U32(self.chost_id_0.hand_over()),
            Column::U32(self.gprocess_id_0.hand_over()),
            Column::U32(self.auto_instance_id_0.hand_over()),
            Column::U8(self.auto_instance_type_0.hand_over()),
            Column::U32(self.auto_service_id_0.hand_over()),
            Column::U8(self.auto_service_type_0.hand_over()),
            Column::U8(self.tag_source_0.hand_over()),
            Column::U32(self.region_id_1.hand_over()),
            Column::U32(self.az_id_1.hand_over()),
            Column::U32(self.host_id_1.hand_over()),
            Column::U32(self.vpc_id_1.hand_over()),
            Column::U32(self.subnet_id_1.hand_over()),
            Column::U32(self.pod_cluster_id_1.hand_over()),
            Column::U32(self.pod_node_id_1.hand_over()),
            Column::U32(self.pod_ns_id_1.hand_over()),
            Column::U32(self.pod_group_id_1.hand_over()),
            Column::U32(self.pod_id_1.hand_over()),
            Column::U32(self.service_id_1.hand_over()),
            Column::U32(self.chost_id_1.hand_over()),
            Column::U32(self.gprocess_id_1.hand_over()),
            Column::U32(self.auto_instance_id_1.hand_over()),
            Column::U8(self.auto_instance_type_1.hand_over()),
            Column::U32(self.auto_service_id_1.hand_over()),
            Column::U8(self.auto_service_type_1.hand_over()),
            Column::U8(self.tag_source_1.hand_over()),
            Column::U8(self.is_ipv4.hand_over()),
            Column::Ip4(self.ip4_0.hand_over()),
            Column::Ip4(self.ip4_1.hand_over()),
            Column::Ip6(self.ip6_0.hand_over()),
            Column::Ip6(self.ip6_1.hand_over()),
            Column::U16(self.server_port.hand_over()),
            Column::U8(self.protocol.hand_over()),
            Column::U32(self.agent_id.hand_over()),
            Column::Label(self.capture_nic.hand_over()),
            Column::U8(self.capture_nic_type.hand_over()),
            Column::Label(self.observation_point.hand_over()),
            Column::U8(self.signal_source.hand_over()),
            Column::U64(self.packet_tx.hand_over()),
            Column::U64(self.packet_rx.hand_over()),
            Column::U64(self.byte_tx.hand_over()),
            Column::U64(self.byte_rx.hand_over()),
            Column::U64(self.l3_byte_tx.hand_over()),
            Column::U64(self.l3_byte_rx.hand_over()),
            Column::U64(self.l4_byte_tx.hand_over()),
            Column::U64(self.l4_byte_rx.hand_over()),
            Column::U64(self.new_flow.hand_over()),
            Column::U64(self.closed_flow.hand_over()),
            Column::U64(self.flow_load.hand_over()),
            Column::U32(self.syn_count.hand_over()),
            Column::U32(self.synack_count.hand_over()),
            Column::U32(self.fin_count.hand_over()),
            Column::U32(self.retrans_tx.hand_over()),
            Column::U32(self.retrans_rx.hand_over()),
            Column::U32(self.retrans_syn.hand_over()),
            Column::U32(self.retrans_synack.hand_over()),
            Column::U32(self.zero_win_tx.hand_over()),
            Column::U32(self.zero_win_rx.hand_over()),
            Column::U32(self.ooo_tx.hand_over()),
            Column::U32(self.ooo_rx.hand_over()),
            Column::U64(self.rtt_sum.hand_over()),
            Column::U32(self.rtt_count.hand_over()),
            Column::U32(self.rtt_max.hand_over()),
            Column::U64(self.rtt_client_sum.hand_over()),
            Column::U32(self.rtt_client_count.hand_over()),
            Column::U32(self.rtt_client_max.hand_over()),
            Column::U64(self.rtt_server_sum.hand_over()),
            Column::U32(self.rtt_server_count.hand_over()),
            Column::U32(self.rtt_server_max.hand_over()),
            Column::U64(self.srt_sum.hand_over()),
            Column::U32(self.srt_count.hand_over()),
            Column::U32(self.srt_max.hand_over()),
            Column::U64(self.art_sum.hand_over()),
            Column::U32(self.art_count.hand_over()),
            Column::U32(self.art_max.hand_over()),
            Column::U64(self.cit_sum.hand_over()),
            Column::U32(self.cit_count.hand_over()),
            Column::U32(self.cit_max.hand_over()),
            Column::U32(self.client_establish_fail.hand_over()),
            Column::U32(self.server_establish_fail.hand_over()),
            Column::U32(self.tcp_transfer_fail.hand_over()),
            Column::U32(self.tcp_rst_fail.hand_over()),
            Column::U32(self.tcp_timeout.hand_over()),
            Column::U64(self.batch_id.hand_over()),
        ]
    }
}

/// Columns of `flow_metrics.application.1s`, `flow_metrics.application.1m`.
#[derive(Default)]
pub struct Application {
    rows: usize,
    /// Beginning of the second or minute.
    pub time: Num<u32>,
    /// Id of the region at this end.
    pub region_id: Num<u32>,
    /// Id of the availability zone at this end.
    pub az_id: Num<u32>,
    /// Id of the hypervisor or physical host at this end.
    pub host_id: Num<u32>,
    /// Id of the VPC at this end.
    pub vpc_id: Num<u32>,
    /// Id of the subnet at this end.
    pub subnet_id: Num<u32>,
    /// Id of the Kubernetes cluster at this end.
    pub pod_cluster_id: Num<u32>,
    /// Id of the Kubernetes node at this end.
    pub pod_node_id: Num<u32>,
    /// Id of the Kubernetes namespace at this end.
    pub pod_ns_id: Num<u32>,
    /// Id of the Kubernetes workload at this end.
    pub pod_group_id: Num<u32>,
    /// Id of the Kubernetes pod at this end.
    pub pod_id: Num<u32>,
    /// Id of the Kubernetes service at this end.
    pub service_id: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at this end.
    pub chost_id: Num<u32>,
    /// Id of the process at this end.
    pub gprocess_id: Num<u32>,
    /// Most specific known instance at this end.
    pub auto_instance_id: Num<u32>,
    /// Which kind of instance that is, at this end.
    pub auto_instance_type: Num<u8>,
    /// Most specific known service at this end.
    pub auto_service_id: Num<u32>,
    /// Which kind of service that is, at this end.
    pub auto_service_type: Num<u8>,
    /// Bit set of the lookups that matched this end.
    pub tag_source: Num<u8>,
    /// 1 where the address is in ip4, 0 where it is in ip6.
    pub is_ipv4: Num<u8>,
    /// IPv4 address of this end.
    pub ip4: Num<u32>,
    /// IPv6 address of this end.
    pub ip6: Num<[u8; 16]>,
    /// Whether this end was the client (0) or the server (1).
    pub role: Num<u8>,
    /// Port of the server.
    pub server_port: Num<u16>,
    /// IP protocol number.
    pub protocol: Num<u8>,
    /// Agent that saw it.
    pub agent_id: Num<u32>,
    /// Interface it was seen on.
    pub capture_nic: Label,
    /// Kind of that interface.
    pub capture_nic_type: Num<u8>,
    /// Where on the way it was seen: c, s, c-nd, s-nd, local, rest, app …
    pub observation_point: Label,
    /// What it was derived from.
    pub signal_source: Num<u8>,
    /// Application protocol.
    pub l7_protocol: Num<u8>,
    /// service.name that the program gave itself.
    pub app_service: Label,
    /// service.instance.id that the program gave itself.
    pub app_instance: Label,
    /// The resource asked for with its parameters taken out.
    pub endpoint: Label,
    /// Requests.
    pub request: Num<u64>,
    /// Responses.
    pub response: Num<u64>,
    /// Responses that blame the client.
    pub client_error: Num<u32>,
    /// Responses that blame the server.
    pub server_error: Num<u32>,
    /// Requests that no response came for in time.
    pub timeout: Num<u32>,
    /// Client errors and server errors.
    pub error: Num<u32>,
    /// Request to response: sum of the samples.
    pub rrt_sum: Num<u64>,
    /// Request to response: number of the samples.
    pub rrt_count: Num<u32>,
    /// Request to response: longest of the samples.
    pub rrt_max: Num<u32>,
    /// Hash of the OTLP request that carried this row; a repeated request is recognised by it, also after a restart.
    pub batch_id: Num<u64>,
}

/// Names, kinds and OTLP attribute keys of those columns, in the order of the declaration.
pub static APPLICATION_COLUMNS: &[ColumnDef] = &[
    ColumnDef { name: "time", kind: Kind::TimeS, attribute: "weir.time" },
    ColumnDef { name: "region_id", kind: Kind::U32, attribute: "weir.region_id" },
    ColumnDef { name: "az_id", kind: Kind::U32, attribute: "weir.az_id" },
    ColumnDef { name: "host_id", kind: Kind::U32, attribute: "weir.host_id" },
    ColumnDef { name: "vpc_id", kind: Kind::U32, attribute: "weir.vpc_id" },
    ColumnDef { name: "subnet_id", kind: Kind::U32, attribute: "weir.subnet_id" },
    ColumnDef { name: "pod_cluster_id", kind: Kind::U32, attribute: "weir.pod_cluster_id" },
    ColumnDef { name: "pod_node_id", kind: Kind::U32, attribute: "weir.pod_node_id" },
    ColumnDef { name: "pod_ns_id", kind: Kind::U32, attribute: "weir.pod_ns_id" },
    ColumnDef { name: "pod_group_id", kind: Kind::U32, attribute: "weir.pod_group_id" },
    ColumnDef { name: "pod_id", kind: Kind::U32, attribute: "weir.pod_id" },
    ColumnDef { name: "service_id", kind: Kind::U32, attribute: "weir.service_id" },
    ColumnDef { name: "chost_id", kind: Kind::U32, attribute: "weir.chost_id" },
    ColumnDef { name: "gprocess_id", kind: Kind::U32, attribute: "weir.gprocess_id" },
    ColumnDef { name: "auto_instance_id", kind: Kind::U32, attribute: "weir.auto_instance_id" },
    ColumnDef { name: "auto_instance_type", kind: Kind::U8, attribute: "weir.auto_instance_type" },
    ColumnDef { name: "auto_service_id", kind: Kind::U32, attribute: "weir.auto_service_id" },
    ColumnDef { name: "auto_service_type", kind: Kind::U8, attribute: "weir.auto_service_type" },
    ColumnDef { name: "tag_source", kind: Kind::U8, attribute: "weir.tag_source" },
    ColumnDef { name: "is_ipv4", kind: Kind::U8, attribute: "weir.is_ipv4" },
    ColumnDef { name: "ip4", kind: Kind::Ip4, attribute: "weir.ip4" },
    ColumnDef { name: "ip6", kind: Kind::Ip6, attribute: "weir.ip6" },
    ColumnDef { name: "role", kind: Kind::U8, attribute: "weir.role" },
    ColumnDef { name: "server_port", kind: Kind::U16, attribute: "weir.server_port" },
    ColumnDef { name: "protocol", kind: Kind::U8, attribute: "weir.protocol" },
    ColumnDef { name: "agent_id", kind: Kind::U32, attribute: "weir.agent_id" },
    ColumnDef { name: "capture_nic", kind: Kind::Label, attribute: "weir.capture_nic" },
    ColumnDef { name: "capture_nic_type", kind: Kind::U8, attribute: "weir.capture_nic_type" },
    ColumnDef { name: "observation_point", kind: Kind::Label, attribute: "weir.observation_point" },
    ColumnDef { name: "signal_source", kind: Kind::U8, attribute: "weir.signal_source" },
    ColumnDef { name: "l7_protocol", kind: Kind::U8, attribute: "weir.l7_protocol" },
    ColumnDef { name: "app_service", kind: Kind::Label, attribute: "weir.app_service" },
    ColumnDef { name: "app_instance", kind: Kind::Label, attribute: "weir.app_instance" },
    ColumnDef { name: "endpoint", kind: Kind::Label, attribute: "weir.endpoint" },
    ColumnDef { name: "request", kind: Kind::U64, attribute: "weir.request" },
    ColumnDef { name: "response", kind: Kind::U64, attribute: "weir.response" },
    ColumnDef { name: "client_error", kind: Kind::U32, attribute: "weir.client_error" },
    ColumnDef { name: "server_error", kind: Kind::U32, attribute: "weir.server_error" },
    ColumnDef { name: "timeout", kind: Kind::U32, attribute: "weir.timeout" },
    ColumnDef { name: "error", kind: Kind::U32, attribute: "weir.error" },
    ColumnDef { name: "rrt_sum", kind: Kind::U64, attribute: "weir.rrt_sum" },
    ColumnDef { name: "rrt_count", kind: Kind::U32, attribute: "weir.rrt_count" },
    ColumnDef { name: "rrt_max", kind: Kind::U32, attribute: "weir.rrt_max" },
    ColumnDef { name: "batch_id", kind: Kind::U64, attribute: "weir.batch_id" },
];

/// `flow_metrics.application.1s`: L7 measures of one end, per second.
pub static FLOW_METRICS_APPLICATION_1S: TableDef = TableDef { name: "flow_metrics.application.1s", columns: APPLICATION_COLUMNS };
/// `flow_metrics.application.1m`: L7 measures of one end, per minute.
pub static FLOW_METRICS_APPLICATION_1M: TableDef = TableDef { name: "flow_metrics.application.1m", columns: APPLICATION_COLUMNS };

impl Application {
    fn each(&mut self, mut visit: impl FnMut(&mut dyn Rows)) {
        visit(&mut self.time);
        visit(&mut self.region_id);
        visit(&mut self.az_id);
        visit(&mut self.host_id);
        visit(&mut self.vpc_id);
        visit(&mut self.subnet_id);
        visit(&mut self.pod_cluster_id);
        visit(&mut self.pod_node_id);
        visit(&mut self.pod_ns_id);
        visit(&mut self.pod_group_id);
        visit(&mut self.pod_id);
        visit(&mut self.service_id);
        visit(&mut self.chost_id);
        visit(&mut self.gprocess_id);
        visit(&mut self.auto_instance_id);
        visit(&mut self.auto_instance_type);
        visit(&mut self.auto_service_id);
        visit(&mut self.auto_service_type);
        visit(&mut self.tag_source);
        visit(&mut self.is_ipv4);
        visit(&mut self.ip4);
        visit(&mut self.ip6);
        visit(&mut self.role);
        visit(&mut self.server_port);
        visit(&mut self.protocol);
        visit(&mut self.agent_id);
        visit(&mut self.capture_nic);
        visit(&mut self.capture_nic_type);
        visit(&mut self.observation_point);
        visit(&mut self.signal_source);
        visit(&mut self.l7_protocol);
        visit(&mut self.app_service);
        visit(&mut self.app_instance);
        visit(&mut self.endpoint);
        visit(&mut self.request);
        visit(&mut self.response);
        visit(&mut self.client_error);
        visit(&mut self.server_error);
        visit(&mut self.timeout);
        visit(&mut self.error);
        visit(&mut self.rrt_sum);
        visit(&mut self.rrt_count);
        visit(&mut self.rrt_max);
        visit(&mut self.batch_id);
    }

    /// The id columns of one end.
    pub fn end(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id,
            az_id: &mut self.az_id,
            host_id: &mut self.host_id,
            vpc_id: &mut self.vpc_id,
            subnet_id: &mut self.subnet_id,
            pod_cluster_id: &mut self.pod_cluster_id,
            pod_node_id: &mut self.pod_node_id,
            pod_ns_id: &mut self.pod_ns_id,
            pod_group_id: &mut self.pod_group_id,
            pod_id: &mut self.pod_id,
            service_id: &mut self.service_id,
            chost_id: &mut self.chost_id,
            gprocess_id: &mut self.gprocess_id,
            auto_instance_id: &mut self.auto_instance_id,
            auto_instance_type: &mut self.auto_instance_type,
            auto_service_id: &mut self.auto_service_id,
            auto_service_type: &mut self.auto_service_type,
            tag_source: &mut self.tag_source,
        }
    }
}

impl Layout for Application {
    const COLUMNS: &'static [ColumnDef] = APPLICATION_COLUMNS;

    fn rows(&self) -> usize {
        self.rows
    }

    fn column_mut(&mut self, index: usize) -> ColumnMut<'_> {
        match index {
            0 => ColumnMut::TimeS(&mut self.time),
            1 => ColumnMut::U32(&mut self.region_id),
            2 => ColumnMut::U32(&mut self.az_id),
            3 => ColumnMut::U32(&mut self.host_id),
            4 => ColumnMut::U32(&mut self.vpc_id),
            5 => ColumnMut::U32(&mut self.subnet_id),
            6 => ColumnMut::U32(&mut self.pod_cluster_id),
            7 => ColumnMut::U32(&mut self.pod_node_id),
            8 => ColumnMut::U32(&mut self.pod_ns_id),
            9 => ColumnMut::U32(&mut self.pod_group_id),
            10 => ColumnMut::U32(&mut self.pod_id),
            11 => ColumnMut::U32(&mut self.service_id),
            12 => ColumnMut::U32(&mut self.chost_id),
            13 => ColumnMut::U32(&mut self.gprocess_id),
            14 => ColumnMut::U32(&mut self.auto_instance_id),
            15 => ColumnMut::U8(&mut self.auto_instance_type),
            16 => ColumnMut::U32(&mut self.auto_service_id),
            17 => ColumnMut::U8(&mut self.auto_service_type),
            18 => ColumnMut::U8(&mut self.tag_source),
            19 => ColumnMut::U8(&mut self.is_ipv4),
            20 => ColumnMut::Ip4(&mut self.ip4),
            21 => ColumnMut::Ip6(&mut self.ip6),
            22 => ColumnMut::U8(&mut self.role),
            23 => ColumnMut::U16(&mut self.server_port),
            24 => ColumnMut::U8(&mut self.protocol),
            25 => ColumnMut::U32(&mut self.agent_id),
            26 => ColumnMut::Label(&mut self.capture_nic),
            27 => ColumnMut::U8(&mut self.capture_nic_type),
            28 => ColumnMut::Label(&mut self.observation_point),
            29 => ColumnMut::U8(&mut self.signal_source),
            30 => ColumnMut::U8(&mut self.l7_protocol),
            31 => ColumnMut::Label(&mut self.app_service),
            32 => ColumnMut::Label(&mut self.app_instance),
            33 => ColumnMut::Label(&mut self.endpoint),
            34 => ColumnMut::U64(&mut self.request),
            35 => ColumnMut::U64(&mut self.response),
            36 => ColumnMut::U32(&mut self.client_error),
            37 => ColumnMut::U32(&mut self.server_error),
            38 => ColumnMut::U32(&mut self.timeout),
            39 => ColumnMut::U32(&mut self.error),
            40 => ColumnMut::U64(&mut self.rrt_sum),
            41 => ColumnMut::U32(&mut self.rrt_count),
            42 => ColumnMut::U32(&mut self.rrt_max),
            43 => ColumnMut::U64(&mut self.batch_id),
            _ => ColumnMut::Absent,
        }
    }

    fn nbytes(&mut self) -> usize {
        let mut bytes = 0;
        self.each(|column| bytes += column.nbytes());
        bytes
    }

    fn commit(&mut self) {
        self.rows += 1;
    }

    fn rollback(&mut self, rows: usize) {
        self.rows = rows;
        self.each(|column| column.truncate(rows));
    }

    fn take(&mut self) -> Vec<Column> {
        let rows = self.rows;
        self.each(|column| {
            if !column.is_empty() {
                column.fill(rows);
            }
        });
        self.rows = 0;
        vec![
            Column::TimeS(self.time.hand_over()),
            Column::U32(self.region_id.hand_over()),
            Column::U32(self.az_id.hand_over()),
            Column::U32(self.host_id.hand_over()),
            Column::U32(self.vpc_id.hand_over()),
            Column::U32(self.subnet_id.hand_over()),
            Column::U32(self.pod_cluster_id.hand_over()),
            Column::U32(self.pod_node_id.hand_over()),
            Column::U32(self.pod_ns_id.hand_over()),
            Column::U32(self.pod_group_id.hand_over()),
            Column::U32(self.pod_id.hand_over()),
            Column::U32(self.service_id.hand_over()),
            Column::U32(self.chost_id.hand_over()),
            Column::U32(self.gprocess_id.hand_over()),
            Column::U32(self.auto_instance_id.hand_over()),
            Column::U8(self.auto_instance_type.hand_over()),
            Column::U32(self.auto_service_id.hand_over()),
            Column::U8(self.auto_service_type.hand_over()),
            Column::U8(self.tag_source.hand_over()),
            Column::U8(self.is_ipv4.hand_over()),
            Column::Ip4(self.ip4.hand_over()),
            Column::Ip6(self.ip6.hand_over()),
            Column::U8(self.role.hand_over()),
            Column::U16(self.server_port.hand_over()),
            Column::U8(self.protocol.hand_over()),
            Column::U32(self.agent_id.hand_over()),
            Column::Label(self.capture_nic.hand_over()),
            Column::U8(self.capture_nic_type.hand_over()),
            Column::Label(self.observation_point.hand_over()),
            Column::U8(self.signal_source.hand_over()),
            Column::U8(self.l7_protocol.hand_over()),
            Column::Label(self.app_service.hand_over()),
            Column::Label(self.app_instance.hand_over()),
            Column::Label(self.endpoint.hand_over()),
            Column::U64(self.request.hand_over()),
            Column::U64(self.response.hand_over()),
            Column::U32(self.client_error.hand_over()),
            Column::U32(self.server_error.hand_over()),
            Column::U32(self.timeout.hand_over()),
            Column::U32(self.error.hand_over()),
            Column::U64(self.rrt_sum.hand_over()),
            Column::U32(self.rrt_count.hand_over()),
            Column::U32(self.rrt_max.hand_over()),
            Column::U64(self.batch_id.hand_over()),
        ]
    }
}

/// Columns of `flow_metrics.application_map.1s`, `flow_metrics.application_map.1m`.
#[derive(Default)]
pub struct ApplicationMap {
    rows: usize,
    /// Beginning of the second or minute.
    pub time: Num<u32>,
    /// Id of the region at the client.
    pub region_id_0: Num<u32>,
    /// Id of the availability zone at the client.
    pub az_id_0: Num<u32>,
    /// Id of the hypervisor or physical host at the client.
    pub host_id_0: Num<u32>,
    /// Id of the VPC at the client.
    pub vpc_id_0: Num<u32>,
    /// Id of the subnet at the client.
    pub subnet_id_0: Num<u32>,
    /// Id of the Kubernetes cluster at the client.
    pub pod_cluster_id_0: Num<u32>,
    /// Id of the Kubernetes node at the client.
    pub pod_node_id_0: Num<u32>,
    /// Id of the Kubernetes namespace at the client.
    pub pod_ns_id_0: Num<u32>,
    /// Id of the Kubernetes workload at the client.
    pub pod_group_id_0: Num<u32>,
    /// Id of the Kubernetes pod at the client.
    pub pod_id_0: Num<u32>,
    /// Id of the Kubernetes service at the client.
    pub service_id_0: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at the client.
    pub chost_id_0: Num<u32>,
    /// Id of the process at the client.
    pub gprocess_id_0: Num<u32>,
    /// Most specific known instance at the client.
    pub auto_instance_id_0: Num<u32>,
    /// Which kind of instance that is, at the client.
    pub auto_instance_type_0: Num<u8>,
    /// Most specific known service at the client.
    pub auto_service_id_0: Num<u32>,
    /// Which kind of service that is, at the client.
    pub auto_service_type_0: Num<u8>,
    /// Bit set of the lookups that matched the client.
    pub tag_source_0: Num<u8>,
    /// Id of the region at the server.
    pub region_id_1: Num<u32>,
    /// Id of the availability zone at the server.
    pub az_id_1: Num<u32>,
    /// Id of the hypervisor or physical host at the server.
    pub host_id_1: Num<u32>,
    /// Id of the VPC at the server.
    pub vpc_id_1: Num<u32>,
    /// Id of the subnet at the server.
    pub subnet_id_1: Num<u32>,
    /// Id of the Kubernetes cluster at the server.
    pub pod_cluster_id_1: Num<u32>,
    /// Id of the Kubernetes node at the server.
    pub pod_node_id_1: Num<u32>,
    /// Id of the Kubernetes namespace at the server.
    pub pod_ns_id_1: Num<u32>,
    /// Id of the Kubernetes workload at the server.
    pub pod_group_id_1: Num<u32>,
    /// Id of the Kubernetes pod at the server.
    pub pod_id_1: Num<u32>,
    /// Id of the Kubernetes service at the server.
    pub service_id_1: Num<u32>,
    /// Id of the cloud host (vm) or legacy host at the server.
    pub chost_id_1: Num<u32>,
    /// Id of the process at the server.
    pub gprocess_id_1: Num<u32>,
    /// Most specific known instance at the server.
    pub auto_instance_id_1: Num<u32>,
    /// Which kind of instance that is, at the server.
    pub auto_instance_type_1: Num<u8>,
    /// Most specific known service at the server.
    pub auto_service_id_1: Num<u32>,
    /// Which kind of service that is, at the server.
    pub auto_service_type_1: Num<u8>,
    /// Bit set of the lookups that matched the server.
    pub tag_source_1: Num<u8>,
    /// 1 where the addresses are in ip4_0 and ip4_1, 0 where they are in ip6_0 and ip6_1.
    pub is_ipv4: Num<u8>,
    /// IPv4 address of the client.
    pub ip4_0: Num<u32>,
    /// IPv4 address of the server.
    pub ip4_1: Num<u32>,
    /// IPv6 address of the client.
    pub ip6_0: Num<[u8; 16]>,
    /// IPv6 address of the server.
    pub ip6_1: Num<[u8; 16]>,
    /// Port of the server.
    pub server_port: Num<u16>,
    /// IP protocol number.
    pub protocol: Num<u8>,
    /// Agent that saw it.
    pub agent_id: Num<u32>,
    /// Interface it was seen on.
    pub capture_nic: Label,
    /// Kind of that interface.
    pub capture_nic_type: Num<u8>,
    /// Where on the way it was seen: c, s, c-nd, s-nd, local, rest, app …
    pub observation_point: Label,
    /// What it was derived from.
    pub signal_source: Num<u8>,
    /// Application protocol.
    pub l7_protocol: Num<u8>,
    /// service.name that the program gave itself.
    pub app_service: Label,
    /// service.instance.id that the program gave itself.
    pub app_instance: Label,
    /// The resource asked for with its parameters taken out.
    pub endpoint: Label,
    /// Requests.
    pub request: Num<u64>,
    /// Responses.
    pub response: Num<u64>,
    /// Responses that blame the client.
    pub client_error: Num<u32>,
    /// Responses that blame the server.
    pub server_error: Num<u32>,
    /// Requests that no response came for in time.
    pub timeout: Num<u32>,
    /// Client errors and server errors.
    pub error: Num<u32>,
    /// Request to response: sum of the samples.
    pub rrt_sum: Num<u64>,
    /// Request to response: number of the samples.
    pub rrt_count: Num<u32>,
    /// Request to response: longest of the samples.
    pub rrt_max: Num<u32>,
    /// Hash of the OTLP request that carried this row; a repeated request is recognised by it, also after a restart.
    pub batch_id: Num<u64>,
}

/// Names, kinds and OTLP attribute keys of those columns, in the order of the declaration.
pub static APPLICATION_MAP_COLUMNS: &[ColumnDef] = &[
    ColumnDef { name: "time", kind: Kind::TimeS, attribute: "weir.time" },
    ColumnDef { name: "region_id_0", kind: Kind::U32, attribute: "weir.region_id_0" },
    ColumnDef { name: "az_id_0", kind: Kind::U32, attribute: "weir.az_id_0" },
    ColumnDef { name: "host_id_0", kind: Kind::U32, attribute: "weir.host_id_0" },
    ColumnDef { name: "vpc_id_0", kind: Kind::U32, attribute: "weir.vpc_id_0" },
    ColumnDef { name: "subnet_id_0", kind: Kind::U32, attribute: "weir.subnet_id_0" },
    ColumnDef { name: "pod_cluster_id_0", kind: Kind::U32, attribute: "weir.pod_cluster_id_0" },
    ColumnDef { name: "pod_node_id_0", kind: Kind::U32, attribute: "weir.pod_node_id_0" },
    ColumnDef { name: "pod_ns_id_0", kind: Kind::U32, attribute: "weir.pod_ns_id_0" },
    ColumnDef { name: "pod_group_id_0", kind: Kind::U32, attribute: "weir.pod_group_id_0" },
    ColumnDef { name: "pod_id_0", kind: Kind::U32, attribute: "weir.pod_id_0" },
    ColumnDef { name: "service_id_0", kind: Kind::U32, attribute: "weir.service_id_0" },
    ColumnDef { name: "chost_id_0", kind: Kind::U32, attribute: "weir.chost_id_0" },
    ColumnDef { name: "gprocess_id_0", kind: Kind::U32, attribute: "weir.gprocess_id_0" },
    ColumnDef { name: "auto_instance_id_0", kind: Kind::U32, attribute: "weir.auto_instance_id_0" },
    ColumnDef { name: "auto_instance_type_0", kind: Kind::U8, attribute: "weir.auto_instance_type_0" },
    ColumnDef { name: "auto_service_id_0", kind: Kind::U32, attribute: "weir.auto_service_id_0" },
    ColumnDef { name: "auto_service_type_0", kind: Kind::U8, attribute: "weir.auto_service_type_0" },
    ColumnDef { name: "tag_source_0", kind: Kind::U8, attribute: "weir.tag_source_0" },
    ColumnDef { name: "region_id_1", kind: Kind::U32, attribute: "weir.region_id_1" },
    ColumnDef { name: "az_id_1", kind: Kind::U32, attribute: "weir.az_id_1" },
    ColumnDef { name: "host_id_1", kind: Kind::U32, attribute: "weir.host_id_1" },
    ColumnDef { name: "vpc_id_1", kind: Kind::U32, attribute: "weir.vpc_id_1" },
    ColumnDef { name: "subnet_id_1", kind: Kind::U32, attribute: "weir.subnet_id_1" },
    ColumnDef { name: "pod_cluster_id_1", kind: Kind::U32, attribute: "weir.pod_cluster_id_1" },
    ColumnDef { name: "pod_node_id_1", kind: Kind::U32, attribute: "weir.pod_node_id_1" },
    ColumnDef { name: "pod_ns_id_1", kind: Kind::U32, attribute: "weir.pod_ns_id_1" },
    ColumnDef { name: "pod_group_id_1", kind: Kind::U32, attribute: "weir.pod_group_id_1" },
    ColumnDef { name: "pod_id_1", kind: Kind::U32, attribute: "weir.pod_id_1" },
    ColumnDef { name: "service_id_1", kind: Kind::U32, attribute: "weir.service_id_1" },
    ColumnDef { name: "chost_id_1", kind: Kind::U32, attribute: "weir.chost_id_1" },
    ColumnDef { name: "gprocess_id_1", kind: Kind::U32, attribute: "weir.gprocess_id_1" },
    ColumnDef { name: "auto_instance_id_1", kind: Kind::U32, attribute: "weir.auto_instance_id_1" },
    ColumnDef { name: "auto_instance_type_1", kind: Kind::U8, attribute: "weir.auto_instance_type_1" },
    ColumnDef { name: "auto_service_id_1", kind: Kind::U32, attribute: "weir.auto_service_id_1" },
    ColumnDef { name: "auto_service_type_1", kind: Kind::U8, attribute: "weir.auto_service_type_1" },
    ColumnDef { name: "tag_source_1", kind: Kind::U8, attribute: "weir.tag_source_1" },
    ColumnDef { name: "is_ipv4", kind: Kind::U8, attribute: "weir.is_ipv4" },
    ColumnDef { name: "ip4_0", kind: Kind::Ip4, attribute: "source.address" },
    ColumnDef { name: "ip4_1", kind: Kind::Ip4, attribute: "destination.address" },
    ColumnDef { name: "ip6_0", kind: Kind::Ip6, attribute: "source.address" },
    ColumnDef { name: "ip6_1", kind: Kind::Ip6, attribute: "destination.address" },
    ColumnDef { name: "server_port", kind: Kind::U16, attribute: "weir.server_port" },
    ColumnDef { name: "protocol", kind: Kind::U8, attribute: "weir.protocol" },
    ColumnDef { name: "agent_id", kind: Kind::U32, attribute: "weir.agent_id" },
    ColumnDef { name: "capture_nic", kind: Kind::Label, attribute: "weir.capture_nic" },
    ColumnDef { name: "capture_nic_type", kind: Kind::U8, attribute: "weir.capture_nic_type" },
    ColumnDef { name: "observation_point", kind: Kind::Label, attribute: "weir.observation_point" },
    ColumnDef { name: "signal_source", kind: Kind::U8, attribute: "weir.signal_source" },
    ColumnDef { name: "l7_protocol", kind: Kind::U8, attribute: "weir.l7_protocol" },
    ColumnDef { name: "app_service", kind: Kind::Label, attribute: "weir.app_service" },
    ColumnDef { name: "app_instance", kind: Kind::Label, attribute: "weir.app_instance" },
    ColumnDef { name: "endpoint", kind: Kind::Label, attribute: "weir.endpoint" },
    ColumnDef { name: "request", kind: Kind::U64, attribute: "weir.request" },
    ColumnDef { name: "response", kind: Kind::U64, attribute: "weir.response" },
    ColumnDef { name: "client_error", kind: Kind::U32, attribute: "weir.client_error" },
    ColumnDef { name: "server_error", kind: Kind::U32, attribute: "weir.server_error" },
    ColumnDef { name: "timeout", kind: Kind::U32, attribute: "weir.timeout" },
    ColumnDef { name: "error", kind: Kind::U32, attribute: "weir.error" },
    ColumnDef { name: "rrt_sum", kind: Kind::U64, attribute: "weir.rrt_sum" },
    ColumnDef { name: "rrt_count", kind: Kind::U32, attribute: "weir.rrt_count" },
    ColumnDef { name: "rrt_max", kind: Kind::U32, attribute: "weir.rrt_max" },
    ColumnDef { name: "batch_id", kind: Kind::U64, attribute: "weir.batch_id" },
];

/// `flow_metrics.application_map.1s`: L7 measures of a pair of ends, per second.
pub static FLOW_METRICS_APPLICATION_MAP_1S: TableDef = TableDef { name: "flow_metrics.application_map.1s", columns: APPLICATION_MAP_COLUMNS };
/// `flow_metrics.application_map.1m`: L7 measures of a pair of ends, per minute.
pub static FLOW_METRICS_APPLICATION_MAP_1M: TableDef = TableDef { name: "flow_metrics.application_map.1m", columns: APPLICATION_MAP_COLUMNS };

impl ApplicationMap {
    fn each(&mut self, mut visit: impl FnMut(&mut dyn Rows)) {
        visit(&mut self.time);
        visit(&mut self.region_id_0);
        visit(&mut self.az_id_0);
        visit(&mut self.host_id_0);
        visit(&mut self.vpc_id_0);
        visit(&mut self.subnet_id_0);
        visit(&mut self.pod_cluster_id_0);
        visit(&mut self.pod_node_id_0);
        visit(&mut self.pod_ns_id_0);
        visit(&mut self.pod_group_id_0);
        visit(&mut self.pod_id_0);
        visit(&mut self.service_id_0);
        visit(&mut self.chost_id_0);
        visit(&mut self.gprocess_id_0);
        visit(&mut self.auto_instance_id_0);
        visit(&mut self.auto_instance_type_0);
        visit(&mut self.auto_service_id_0);
        visit(&mut self.auto_service_type_0);
        visit(&mut self.tag_source_0);
        visit(&mut self.region_id_1);
        visit(&mut self.az_id_1);
        visit(&mut self.host_id_1);
        visit(&mut self.vpc_id_1);
        visit(&mut self.subnet_id_1);
        visit(&mut self.pod_cluster_id_1);
        visit(&mut self.pod_node_id_1);
        visit(&mut self.pod_ns_id_1);
        visit(&mut self.pod_group_id_1);
        visit(&mut self.pod_id_1);
        visit(&mut self.service_id_1);
        visit(&mut self.chost_id_1);
        visit(&mut self.gprocess_id_1);
        visit(&mut self.auto_instance_id_1);
        visit(&mut self.auto_instance_type_1);
        visit(&mut self.auto_service_id_1);
        visit(&mut self.auto_service_type_1);
        visit(&mut self.tag_source_1);
        visit(&mut self.is_ipv4);
        visit(&mut self.ip4_0);
        visit(&mut self.ip4_1);
        visit(&mut self.ip6_0);
        visit(&mut self.ip6_1);
        visit(&mut self.server_port);
        visit(&mut self.protocol);
        visit(&mut self.agent_id);
        visit(&mut self.capture_nic);
        visit(&mut self.capture_nic_type);
        visit(&mut self.observation_point);
        visit(&mut self.signal_source);
        visit(&mut self.l7_protocol);
        visit(&mut self.app_service);
        visit(&mut self.app_instance);
        visit(&mut self.endpoint);
        visit(&mut self.request);
        visit(&mut self.response);
        visit(&mut self.client_error);
        visit(&mut self.server_error);
        visit(&mut self.timeout);
        visit(&mut self.error);
        visit(&mut self.rrt_sum);
        visit(&mut self.rrt_count);
        visit(&mut self.rrt_max);
        visit(&mut self.batch_id);
    }

    /// The id columns of the end 0.
    pub fn end_0(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id_0,
            az_id: &mut self.az_id_0,
            host_id: &mut self.host_id_0,
            vpc_id: &mut self.vpc_id_0,
            subnet_id: &mut self.subnet_id_0,
            pod_cluster_id: &mut self.pod_cluster_id_0,
            pod_node_id: &mut self.pod_node_id_0,
            pod_ns_id: &mut self.pod_ns_id_0,
            pod_group_id: &mut self.pod_group_id_0,
            pod_id: &mut self.pod_id_0,
            service_id: &mut self.service_id_0,
            chost_id: &mut self.chost_id_0,
            gprocess_id: &mut self.gprocess_id_0,
            auto_instance_id: &mut self.auto_instance_id_0,
            auto_instance_type: &mut self.auto_instance_type_0,
            auto_service_id: &mut self.auto_service_id_0,
            auto_service_type: &mut self.auto_service_type_0,
            tag_source: &mut self.tag_source_0,
        }
    }

    /// The id columns of the end 1.
    pub fn end_1(&mut self) -> EndColumns<'_> {
        EndColumns {
            region_id: &mut self.region_id_1,
            az_id: &mut self.az_id_1,
            host_id: &mut self.host_id_1,
            vpc_id: &mut self.vpc_id_1,
            subnet_id: &mut self.subnet_id_1,
            pod_cluster_id: &mut self.pod_cluster_id_1,
            pod_node_id: &mut self.pod_node_id_1,
            pod_ns_id: &mut self.pod_ns_id_1,
            pod_group_id: &mut self.pod_group_id_1,
            pod_id: &mut self.pod_id_1,
            service_id: &mut self.service_id_1,
            chost_id: &mut self.chost_id_1,
            gprocess_id: &mut self.gprocess_id_1,
            auto_instance_id: &mut self.auto_instance_id_1,
            auto_instance_type: &mut self.auto_instance_type_1,
            auto_service_id: &mut self.auto_service_id_1,
            auto_service_type: &mut self.auto_service_type_1,
            tag_source: &mut self.tag_source_1,
        }
    }
}

impl Layout for ApplicationMap {
    const COLUMNS: &'static [ColumnDef] = APPLICATION_MAP_COLUMNS;

    fn rows(&self) -> usize {
        self.rows
    }

    fn column_mut(&mut self, index: usize) -> ColumnMut<'_> {
        match index {
            0 => ColumnMut::TimeS(&mut self.time),
            1 => ColumnMut::U32(&mut self.region_id_0),
            2 => ColumnMut::U32(&mut self.az_id_0),
            3 => ColumnMut::U32(&mut self.host_id_0),
            4 => ColumnMut::U32(&mut self.vpc_id_0),
            5 => ColumnMut::U32(&mut self.subnet_id_0),
            6 => ColumnMut::U32(&mut self.pod_cluster_id_0),
            7 => ColumnMut::U32(&mut self.pod_node_id_0),
            8 => ColumnMut::U32(&mut self.pod_ns_id_0),
            9 => ColumnMut::U32(&mut self.pod_group_id_0),
            10 => ColumnMut::U32(&mut self.pod_id_0),
            11 => ColumnMut::U32(&mut self.service_id_0),
            12 => ColumnMut::U32(&mut self.chost_id_0),
            13 => ColumnMut::U32(&mut self.gprocess_id_0),
            14 => ColumnMut::U32(&mut self.auto_instance_id_0),
            15 => ColumnMut::U8(&mut self.auto_instance_type_0),
            16 => ColumnMut::U32(&mut self.auto_service_id_0),
            17 => ColumnMut::U8(&mut self.auto_service_type_0),
            18 => ColumnMut::U8(&mut self.tag_source_0),
            19 => ColumnMut::U32(&mut self.region_id_1),
            20 => ColumnMut::U32(&mut self.az_id_1),
            21 => ColumnMut::U32(&mut self.host_id_1),
            22 => ColumnMut::U32(&mut self.vpc_id_1),
            23 => ColumnMut::U32(&mut self.subnet_id_1),
            24 => ColumnMut::U32(&mut self.pod_cluster_id_1),
            25 => ColumnMut::U32(&mut self.pod_node_id_1),
            26 => ColumnMut::U32(&mut self.pod_ns_id_1),
            27 => ColumnMut::U32(&mut self.pod_group_id_1),
            28 => ColumnMut::U32(&mut self.pod_id_1),
            29 => ColumnMut::U32(&mut self.service_id_1),
            30 => ColumnMut::U32(&mut self.chost_id_1),
            31 => ColumnMut::U32(&mut self.gprocess_id_1),
            32 => ColumnMut::U32(&mut self.auto_instance_id_1),
            33 => ColumnMut::U8(&mut self.auto_instance_type_1),
            34 => ColumnMut::U32(&mut self.auto_service_id_1),
            35 => ColumnMut::U8(&mut self.auto_service_type_1),
            36 => ColumnMut::U8(&mut self.tag_source_1),
            37 => ColumnMut::U8(&mut self.is_ipv4),
            38 => ColumnMut::Ip4(&mut self.ip4_0),
            39 => ColumnMut::Ip4(&mut self.ip4_1),
            40 => ColumnMut::Ip6(&mut self.ip6_0),
            41 => ColumnMut::Ip6(&mut self.ip6_1),
            42 => ColumnMut::U16(&mut self.server_port),
            43 => ColumnMut::U8(&mut self.protocol),
            44 => ColumnMut::U32(&mut self.agent_id),
            45 => ColumnMut::Label(&mut self.capture_nic),
            46 => ColumnMut::U8(&mut self.capture_nic_type),
            47 => ColumnMut::Label(&mut self.observation_point),
            48 => ColumnMut::U8(&mut self.signal_source),
            49 => ColumnMut::U8(&mut self.l7_protocol),
            50 => ColumnMut::Label(&mut self.app_service),
            51 => ColumnMut::Label(&mut self.app_instance),
            52 => ColumnMut::Label(&mut self.endpoint),
            53 => ColumnMut::U64(&mut self.request),
            54 => ColumnMut::U64(&mut self.response),
            55 => ColumnMut::U32(&mut self.client_error),
            56 => ColumnMut::U32(&mut self.server_error),
            57 => ColumnMut::U32(&mut self.timeout),
            58 => ColumnMut::U32(&mut self.error),
            59 => ColumnMut::U64(&mut self.rrt_sum),
            60 => ColumnMut::U32(&mut self.rrt_count),
            61 => ColumnMut::U32(&mut self.rrt_max),
            62 => ColumnMut::U64(&mut self.batch_id),
            _ => ColumnMut::Absent,
        }
    }

    fn nbytes(&mut self) -> usize {
        let mut bytes = 0;
        self.each(|column| bytes += column.nbytes());
        bytes
    }

    fn commit(&mut self) {
        self.rows += 1;
    }

    fn rollback(&mut self, rows: usize) {
        self.rows = rows;
        self.each(|column| column.truncate(rows));
    }

    fn take(&mut self) -> Vec<Column> {
        let rows = self.rows;
        self.each(|column| {
            if !column.is_empty() {
                column.fill(rows);
            }
        });
        self.rows = 0;
        vec![
            Column::TimeS(self.time.hand_over()),
            Column::U32(self.region_id_0.hand_over()),
            Column::U32(self.az_id_0.hand_over()),
            Column::U32(self.host_id_0.hand_over()),
            Column::U32(self.vpc_id_0.hand_over()),
            Column::U32(self.subnet_id_0.hand_over()),
            Column::U32(self.pod_cluster_id_0.hand_over()),
            Column::U32(self.pod_node_id_0.hand_over()),
            Column::U32(self.pod_ns_id_0.hand_over()),
            Column::U32(self.pod_group_id_0.hand_over()),
            Column::U32(self.pod_id_0.hand_over()),
            Column::U32(self.service_id_0.hand_over()),
            Column::U32(self.chost_id_0.hand_over()),
            Column::U32(self.gprocess_id_0.hand_over()),
            Column::U32(self.auto_instance_id_0.hand_over()),
            Column::U8(self.auto_instance_type_0.hand_over()),
            Column::U32(self.auto_service_id_0.hand_over()),
            Column::U8(self.auto_service_type_0.hand_over()),
            Column::U8(self.tag_source_0.hand_over()),
            Column::U32(self.region_id_1.hand_over()),
            Column::U32(self.az_id_1.hand_over()),
            Column::U32(self.host_id_1.hand_over()),
            Column::U32(self.vpc_id_1.hand_over()),
            Column::U32(self.subnet_id_1.hand_over()),
            Column::U32(self.pod_cluster_id_1.hand_over()),
            Column::U32(self.pod_node_id_1.hand_over()),
            Column::U32(self.pod_ns_id_1.hand_over()),
            Column::U32(self.pod_group_id_1.hand_over()),
            Column::U32(self.pod_id_1.hand_over()),
            Column::U32(self.service_id_1.hand_over()),
            Column::U32(self.chost_id_1.hand_over()),
            Column::U32(self.gprocess_id_1.hand_over()),
            Column::U32(self.auto_instance_id_1.hand_over()),
            Column::U8(self.auto_instance_type_1.hand_over()),
            Column::U32(self.auto_service_id_1.hand_over()),
            Column::U8(self.auto_service_type_1.hand_over()),
            Column::U8(self.tag_source_1.hand_over()),
            Column::U8(self.is_ipv4.hand_over()),
            Column::Ip4(self.ip4_0.hand_over()),
            Column::Ip4(self.ip4_1.hand_over()),
            Column::Ip6(self.ip6_0.hand_over()),
            Column::Ip6(self.ip6_1.hand_over()),
            Column::U16(self.server_port.hand_over()),
            Column::U8(self.protocol.hand_over()),
            Column::U32(self.agent_id.hand_over()),
            Column::Label(self.capture_nic.hand_over()),
            Column::U8(self.capture_nic_type.hand_over()),
            Column::Label(self.observation_point.hand_over()),
            Column::U8(self.signal_source.hand_over()),
            Column::U8(self.l7_protocol.hand_over()),
            Column::Label(self.app_service.hand_over()),
            Column::Label(self.app_instance.hand_over()),
            Column::Label(self.endpoint.hand_over()),
            Column::U64(self.request.hand_over()),
            Column::U64(self.response.hand_over()),
            Column::U32(self.client_error.hand_over()),
            Column::U32(self.server_error.hand_over()),
            Column::U32(self.timeout.hand_over()),
            Column::U32(self.error.hand_over()),
            Column::U64(self.rrt_sum.hand_over()),
            Column::U32(self.rrt_count.hand_over()),
            Column::U32(self.rrt_max.hand_over()),
            Column::U64(self.batch_id.hand_over()),
        ]
    }
}
