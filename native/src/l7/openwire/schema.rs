//! What objects of OpenWire consist of, by type and version (activemq.apache.org, "OpenWire"; versions 1 to 12).

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Bit,
    Byte,
    Int,
    Long,
    Text,
    Bytes,
    Nested,
    Cached,
    /// Several nested ones.
    Array,
    Thrown,
}

/// What a field tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Nothing,
    Command,
    Required,
    Correlation,
    Destination,
    Client,
    User,
    Selector,
    Subscription,
    BrokerUrl,
    BrokerName,
    /// That of the application.
    MessageCorrelation,
    Properties,
}

use Form::{Array, Bit, Byte, Bytes, Cached, Int, Long, Nested, Text, Thrown};
use What::Nothing;

/// Form, the version from which on it is there, what it tells.
pub type Field = (Form, u8, What);

const BASE: &[Field] = &[(Int, 1, What::Command), (Bit, 1, What::Required)];
const RESPONSE: &[Field] = &[(Int, 1, What::Correlation)];
const BIT: Field = (Bit, 1, Nothing);
const BYTE: Field = (Byte, 1, Nothing);
const INT: Field = (Int, 1, Nothing);
const LONG: Field = (Long, 1, Nothing);
const TEXT: Field = (Text, 1, Nothing);
const BYTES: Field = (Bytes, 1, Nothing);
const NESTED: Field = (Nested, 1, Nothing);
const CACHED: Field = (Cached, 1, Nothing);
const ARRAY: Field = (Array, 1, Nothing);
const PLACE: Field = (Cached, 1, What::Destination);

const MESSAGE: &[Field] = &[
    CACHED,
    PLACE,
    CACHED,
    CACHED,
    NESTED,
    CACHED,
    TEXT,
    INT,
    (Text, 1, What::MessageCorrelation),
    BIT,
    LONG,
    BYTE,
    NESTED,
    LONG,
    TEXT,
    BYTES,
    (Bytes, 1, What::Properties),
    NESTED,
    CACHED,
    BIT,
    INT,
    ARRAY,
    LONG,
    TEXT,
    BIT,
    (Bit, 2, Nothing),
    (Array, 2, Nothing),
    (Long, 3, Nothing),
    (Long, 3, Nothing),
    (Bit, 10, Nothing),
];

const BROKER_INFO: &[Field] = &[
    CACHED,
    (Text, 1, What::BrokerUrl),
    ARRAY,
    (Text, 1, What::BrokerName),
    BIT,
    BIT,
    BIT,
    (Bit, 2, Nothing),
    (Bit, 2, Nothing),
    (Long, 2, Nothing),
    (Text, 3, Nothing),
    (Text, 3, Nothing),
];

const CONNECTION_INFO: &[Field] = &[
    CACHED,
    (Text, 1, What::Client),
    // The password.
    TEXT,
    (Text, 1, What::User),
    ARRAY,
    BIT,
    BIT,
    (Bit, 2, Nothing),
    (Bit, 6, Nothing),
    (Bit, 6, Nothing),
    (Text, 8, Nothing),
];

const CONSUMER_INFO: &[Field] = &[
    CACHED,
    BIT,
    PLACE,
    INT,
    INT,
    BIT,
    (Text, 1, What::Selector),
    (Text, 10, Nothing),
    (Text, 1, What::Subscription),
    BIT,
    BIT,
    BIT,
    BYTE,
    ARRAY,
    NESTED,
    BIT,
    BIT,
    BIT,
    (Array, 4, Nothing),
];

const CONNECTION_CONTROL: &[Field] = &[
    BIT,
    BIT,
    BIT,
    BIT,
    BIT,
    (Text, 6, Nothing),
    (Text, 6, Nothing),
    (Bit, 6, Nothing),
    (Bytes, 8, Nothing),
];

const CONSUMER_CONTROL: &[Field] = &[
    (Nested, 6, What::Destination),
    BIT,
    NESTED,
    INT,
    (Bit, 2, Nothing),
    (Bit, 2, Nothing),
    (Bit, 2, Nothing),
];

const MESSAGE_ACK: &[Field] = &[PLACE, CACHED, CACHED, BYTE, NESTED, NESTED, INT, (Thrown, 7, Nothing)];
const MESSAGE_PULL: &[Field] = &[CACHED, PLACE, LONG, (Text, 3, Nothing), (Nested, 3, Nothing)];
const PRODUCER_INFO: &[Field] = &[CACHED, PLACE, ARRAY, (Bit, 2, Nothing), (Int, 3, Nothing)];
const SUBSCRIPTION: &[Field] = &[TEXT, CACHED, TEXT, TEXT, (Nested, 3, Nothing), (Bit, 11, Nothing)];
const REMOVE_SUBSCRIPTION: &[Field] = &[CACHED, (Text, 1, What::Subscription), (Text, 1, What::Client)];

/// Which end sends a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Client,
    Broker,
    Both,
}

/// One type of object: its number, its name where it is a command, who says it, and its fields behind those that all of its kind have.
pub struct Object {
    pub number: u8,
    pub name: &'static str,
    pub end: End,
    family: Family,
    fields: &'static [Field],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Command,
    Response,
    Message,
    Plain,
}

const fn object(number: u8, name: &'static str, end: End, family: Family, fields: &'static [Field]) -> Object {
    Object {
        number,
        name,
        end,
        family,
        fields,
    }
}

const fn plain(number: u8, fields: &'static [Field]) -> Object {
    object(number, "", End::Both, Family::Plain, fields)
}

use End::{Both, Broker, Client};
use Family::{Command, Message, Response};

const OBJECTS: &[Object] = &[
    object(28, "ActiveMQTextMessage", Client, Message, &[]),
    object(24, "ActiveMQBytesMessage", Client, Message, &[]),
    object(21, "MessageDispatch", Broker, Command, &[CACHED, PLACE, NESTED, INT]),
    object(22, "MessageAck", Client, Command, MESSAGE_ACK),
    object(30, "Response", Broker, Response, &[]),
    plain(110, &[(Text, 10, Nothing), CACHED, LONG, LONG]),
    plain(123, &[TEXT, LONG, LONG]),
    plain(122, &[TEXT, LONG, LONG]),
    plain(100, &[TEXT]),
    plain(101, &[TEXT]),
    object(1, "WireFormatInfo", Both, Family::Plain, &[]),
    object(2, "BrokerInfo", Both, Command, BROKER_INFO),
    object(3, "ConnectionInfo", Client, Command, CONNECTION_INFO),
    object(4, "SessionInfo", Client, Command, &[CACHED]),
    object(5, "ConsumerInfo", Client, Command, CONSUMER_INFO),
    object(6, "ProducerInfo", Client, Command, PRODUCER_INFO),
    object(7, "TransactionInfo", Client, Command, &[CACHED, CACHED, BYTE]),
    object(8, "DestinationInfo", Client, Command, &[CACHED, PLACE, BYTE, LONG, ARRAY]),
    object(9, "RemoveSubscriptionInfo", Client, Command, REMOVE_SUBSCRIPTION),
    object(10, "KeepAliveInfo", Both, Command, &[]),
    object(11, "ShutdownInfo", Both, Command, &[]),
    object(12, "RemoveInfo", Client, Command, &[CACHED, (Long, 5, Nothing)]),
    object(14, "ControlCommand", Both, Command, &[TEXT]),
    object(15, "FlushCommand", Both, Command, &[]),
    object(16, "ConnectionError", Broker, Command, &[(Thrown, 1, Nothing), NESTED]),
    object(17, "ConsumerControl", Both, Command, CONSUMER_CONTROL),
    object(18, "ConnectionControl", Both, Command, CONNECTION_CONTROL),
    object(19, "ProducerAck", Broker, Command, &[NESTED, INT]),
    object(20, "MessagePull", Client, Command, MESSAGE_PULL),
    object(23, "ActiveMQMessage", Client, Message, &[]),
    object(25, "ActiveMQMapMessage", Client, Message, &[]),
    object(26, "ActiveMQObjectMessage", Client, Message, &[]),
    object(27, "ActiveMQStreamMessage", Client, Message, &[]),
    object(
        29,
        "ActiveMQBlobMessage",
        Client,
        Message,
        &[(Text, 3, Nothing), (Text, 3, Nothing), (Bit, 3, Nothing)],
    ),
    object(31, "ExceptionResponse", Broker, Response, &[(Thrown, 1, Nothing)]),
    object(32, "DataResponse", Broker, Response, &[NESTED]),
    object(33, "DataArrayResponse", Broker, Response, &[ARRAY]),
    object(34, "IntegerResponse", Broker, Response, &[INT]),
    object(65, "ReplayCommand", Both, Command, &[INT, INT]),
    object(90, "MessageDispatchNotification", Both, Command, &[CACHED, PLACE, LONG, NESTED]),
    object(92, "BrokerSubscriptionInfo", Both, Command, &[NESTED, TEXT, ARRAY]),
    object(60, "PartialCommand", Both, Family::Plain, &[INT, BYTES]),
    object(61, "LastPartialCommand", Both, Family::Plain, &[INT, BYTES]),
    plain(40, &[TEXT, TEXT]),
    plain(50, &[NESTED, NESTED, LONG, TEXT, TEXT, NESTED]),
    plain(52, &[NESTED, NESTED]),
    plain(53, &[TEXT]),
    plain(54, &[NESTED, BYTE, BIT]),
    plain(55, SUBSCRIPTION),
    plain(91, &[CACHED, INT, (Int, 10, Nothing)]),
    plain(102, &[TEXT]),
    plain(103, &[TEXT]),
    plain(111, &[LONG, CACHED]),
    plain(112, &[INT, BYTES, BYTES]),
    plain(120, &[TEXT]),
    plain(121, &[TEXT, LONG]),
    plain(124, &[TEXT]),
];

/// The object of this type.
pub fn find(number: u8) -> Option<&'static Object> {
    OBJECTS.iter().find(|object| object.number == number)
}

impl Object {
    pub fn is_command(&self) -> bool {
        !self.name.is_empty()
    }

    pub fn is_message(&self) -> bool {
        self.family == Message
    }

    pub fn is_response(&self) -> bool {
        self.family == Response
    }

    /// Its fields of a version, in their order.
    pub fn fields(&self, version: u8) -> impl Iterator<Item = (Form, What)> + use<> {
        let (base, middle): (&[Field], &[Field]) = match self.family {
            Command => (BASE, &[]),
            Response => (BASE, RESPONSE),
            Message => (BASE, MESSAGE),
            Family::Plain => (&[], &[]),
        };
        [base, middle, self.fields]
            .into_iter()
            .flatten()
            .filter(move |(_, since, _)| *since <= version)
            .map(|(form, _, what)| (*form, *what))
    }
}
