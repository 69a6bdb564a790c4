//! Commands of Pulsar: their names, what they are to each other, and where their fields are.

use crate::l7::Status;

pub const CONNECT: u8 = 2;
pub const CONNECTED: u8 = 3;
pub const SUBSCRIBE: u8 = 4;
pub const PRODUCER: u8 = 5;
pub const SEND: u8 = 6;
pub const MESSAGE: u8 = 9;
pub const ACK: u8 = 10;
pub const CLOSE_PRODUCER: u8 = 15;
pub const CLOSE_CONSUMER: u8 = 16;
pub const PRODUCER_SUCCESS: u8 = 17;
pub const LOOKUP_RESPONSE: u8 = 24;
pub const SEND_RECEIPT: u8 = 7;

/// What a command is for the pairing; numbers are those of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It asks, and this field has the number of the request.
    Asks(u32),
    /// It answers the request whose number is in the first field; error and its text are in the two others, where there are any.
    Answers(u32, u32, u32),
    /// A message to be stored: producer and sequence number are in the first two fields.
    Sends,
    /// What became of it.
    Sent,
    /// It opens the connection, or checks it, or says who is there: there is one at a time.
    Greets,
    /// What it is told back.
    Greeted,
    Tells,
}

use Role::{Answers, Asks, Greeted, Greets, Sends, Sent, Tells};

/// Which end says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Client,
    Broker,
    Both,
}

use End::{Both, Broker, Client};

/// One command.
#[derive(Debug)]
pub struct Command {
    pub number: u8,
    pub name: &'static str,
    pub role: Role,
    pub end: End,
    /// Fields of the topic (or the namespace) and of the producer or consumer; 0 where there is none.
    pub topic: u32,
    pub handle: u32,
}

const fn row(number: u8, name: &'static str, role: Role, end: End, topic: u32, handle: u32) -> Command {
    Command {
        number,
        name,
        role,
        end,
        topic,
        handle,
    }
}

const COMMANDS: &[Command] = &[
    row(SEND, "Send", Sends, Client, 0, 1),
    row(SEND_RECEIPT, "SendReceipt", Sent, Broker, 0, 1),
    row(8, "SendError", Sent, Broker, 0, 1),
    row(MESSAGE, "Message", Tells, Broker, 0, 1),
    row(ACK, "Ack", Asks(8), Client, 0, 1),
    row(11, "Flow", Tells, Client, 0, 1),
    row(38, "AckResponse", Answers(6, 4, 5), Broker, 0, 0),
    row(CONNECT, "Connect", Greets, Client, 0, 0),
    row(CONNECTED, "Connected", Greeted, Broker, 0, 0),
    row(SUBSCRIBE, "Subscribe", Asks(5), Client, 1, 4),
    row(PRODUCER, "Producer", Asks(3), Client, 1, 2),
    row(12, "Unsubscribe", Asks(2), Client, 0, 1),
    row(13, "Success", Answers(1, 0, 0), Broker, 0, 0),
    row(14, "Error", Answers(1, 2, 3), Broker, 0, 0),
    row(CLOSE_PRODUCER, "CloseProducer", Asks(2), Both, 0, 1),
    row(CLOSE_CONSUMER, "CloseConsumer", Asks(2), Both, 0, 1),
    row(PRODUCER_SUCCESS, "ProducerSuccess", Answers(1, 0, 0), Broker, 0, 0),
    row(18, "Ping", Greets, Both, 0, 0),
    row(19, "Pong", Greeted, Both, 0, 0),
    row(20, "RedeliverUnacknowledgedMessages", Tells, Client, 0, 1),
    row(21, "PartitionedMetadata", Asks(2), Client, 1, 0),
    row(22, "PartitionedMetadataResponse", Answers(2, 4, 5), Broker, 0, 0),
    row(23, "Lookup", Asks(2), Client, 1, 0),
    row(LOOKUP_RESPONSE, "LookupResponse", Answers(4, 6, 7), Broker, 0, 0),
    row(25, "ConsumerStats", Asks(1), Client, 0, 4),
    row(26, "ConsumerStatsResponse", Answers(1, 2, 3), Broker, 0, 0),
    row(27, "ReachedEndOfTopic", Tells, Broker, 0, 1),
    row(28, "Seek", Asks(2), Client, 0, 1),
    row(29, "GetLastMessageId", Asks(2), Client, 0, 1),
    row(30, "GetLastMessageIdResponse", Answers(2, 0, 0), Broker, 0, 0),
    row(31, "ActiveConsumerChange", Tells, Broker, 0, 1),
    row(32, "GetTopicsOfNamespace", Asks(1), Client, 2, 0),
    row(33, "GetTopicsOfNamespaceResponse", Answers(1, 0, 0), Broker, 0, 0),
    row(34, "GetSchema", Asks(1), Client, 2, 0),
    row(35, "GetSchemaResponse", Answers(1, 2, 3), Broker, 0, 0),
    row(36, "AuthChallenge", Greets, Broker, 0, 0),
    row(37, "AuthResponse", Greeted, Client, 0, 0),
    row(39, "GetOrCreateSchema", Asks(1), Client, 2, 0),
    row(40, "GetOrCreateSchemaResponse", Answers(1, 2, 3), Broker, 0, 0),
    row(50, "NewTxn", Asks(1), Client, 0, 0),
    row(51, "NewTxnResponse", Answers(1, 4, 5), Broker, 0, 0),
    row(52, "AddPartitionToTxn", Asks(1), Client, 4, 0),
    row(53, "AddPartitionToTxnResponse", Answers(1, 4, 5), Broker, 0, 0),
    row(54, "AddSubscriptionToTxn", Asks(1), Client, 0, 0),
    row(55, "AddSubscriptionToTxnResponse", Answers(1, 4, 5), Broker, 0, 0),
    row(56, "EndTxn", Asks(1), Client, 0, 0),
    row(57, "EndTxnResponse", Answers(1, 4, 5), Broker, 0, 0),
    row(58, "EndTxnOnPartition", Asks(1), Client, 4, 0),
    row(59, "EndTxnOnPartitionResponse", Answers(1, 4, 5), Broker, 0, 0),
    row(60, "EndTxnOnSubscription", Asks(1), Client, 0, 0),
    row(61, "EndTxnOnSubscriptionResponse", Answers(1, 4, 5), Broker, 0, 0),
    row(62, "TcClientConnectRequest", Asks(1), Client, 0, 0),
    row(63, "TcClientConnectResponse", Answers(1, 2, 3), Broker, 0, 0),
    row(64, "WatchTopicList", Asks(1), Client, 3, 0),
    row(65, "WatchTopicListSuccess", Answers(1, 0, 0), Broker, 0, 0),
    row(66, "WatchTopicUpdate", Tells, Broker, 0, 0),
    row(67, "WatchTopicListClose", Asks(1), Client, 0, 0),
    row(68, "TopicMigrated", Tells, Broker, 0, 0),
];

/// The command with this number.
pub fn find(number: u8) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.number == number)
}

/// What greets in this way, so that greeting and answer have the same number.
pub fn greeting(number: u8) -> u64 {
    u64::from(match number {
        CONNECTED => CONNECT,
        19 => 18,
        37 => 36,
        number => number,
    })
}

/// Name of an error, and whose it is: what the asker can mend is the client's.
pub fn error(code: u64) -> (&'static str, Status) {
    const ERRORS: [(&str, bool); 26] = [
        ("UnknownError", false),
        ("MetadataError", false),
        ("PersistenceError", false),
        ("AuthenticationError", true),
        ("AuthorizationError", true),
        ("ConsumerBusy", true),
        ("ServiceNotReady", false),
        ("ProducerBlockedQuotaExceededError", false),
        ("ProducerBlockedQuotaExceededException", false),
        ("ChecksumError", true),
        ("UnsupportedVersionError", true),
        ("TopicNotFound", true),
        ("SubscriptionNotFound", true),
        ("ConsumerNotFound", true),
        ("TooManyRequests", false),
        ("TopicTerminatedError", true),
        ("ProducerBusy", true),
        ("InvalidTopicName", true),
        ("IncompatibleSchema", true),
        ("ConsumerAssignError", false),
        ("TransactionCoordinatorNotFound", false),
        ("InvalidTxnStatus", true),
        ("NotAllowedError", true),
        ("TransactionConflict", true),
        ("TransactionNotFound", true),
        ("ProducerFenced", true),
    ];
    let (name, is_clients) = usize::try_from(code)
        .ok()
        .and_then(|code| ERRORS.get(code).copied())
        .unwrap_or(ERRORS[0]);
    (name, if is_clients { Status::ClientError } else { Status::ServerError })
}
