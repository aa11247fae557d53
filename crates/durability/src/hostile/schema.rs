//! What a running server says that it can be asked, by reflection: every method, and the shape of every message.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorProto};
use test_support::{Caller, PATIENCE};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest as Ask;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse as Answer;

/// What one server can be asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Schema {
    /// What this server serves itself.
    pub(super) methods: Vec<Method>,
    /// What others of its kind serve, and this one only knows of.
    pub(super) elsewhere: Vec<Method>,
    /// By full name, with the dot in front.
    messages: BTreeMap<String, Vec<Field>>,
}

/// One method.
#[derive(Debug, Clone)]
pub(super) struct Method {
    /// Such as `/casetracker.v1.CaseCommandService/CreateCase`.
    pub(super) path: String,
    /// The full name of the message that it takes.
    pub(super) input: String,
    /// Whether it may answer for ever.
    pub(super) is_stream: bool,
}

/// One field of a message.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) is_repeated: bool,
    pub(super) kind: Kind,
}

/// What a field holds.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A varint: an integer, a truth value or an enum.
    Varint,
    Fixed32,
    Fixed64,
    Text,
    Bytes,
    /// By full name.
    Message(String),
}

impl Schema {
    /// Asks a server.
    pub(super) async fn of(server: SocketAddr) -> anyhow::Result<Self> {
        let Answer::ListServicesResponse(services) = ask(server, Ask::ListServices(String::new())).await? else {
            return Err(anyhow!("{server} lists no services"));
        };
        let mut files: BTreeMap<String, FileDescriptorProto> = BTreeMap::new();
        let mut wanted: Vec<Ask> =
            services.service.iter().map(|service| Ask::FileContainingSymbol(service.name.clone())).collect();
        while let Some(next) = wanted.pop() {
            let Answer::FileDescriptorResponse(answer) = ask(server, next.clone()).await? else {
                return Err(anyhow!("{server} has no answer to {next:?}"));
            };
            for bytes in answer.file_descriptor_proto {
                let file = FileDescriptorProto::decode(bytes.as_slice()).context("a descriptor")?;
                let missing = file.dependency.iter().filter(|name| !files.contains_key(*name));
                wanted.extend(missing.cloned().map(Ask::FileByFilename));
                files.insert(file.name().to_owned(), file);
            }
        }
        let names: Vec<&str> = services.service.iter().map(|service| service.name.as_str()).collect();
        let mut schema = Self::default();
        for file in files.values() {
            schema.add(file, &names);
        }
        Ok(schema)
    }

    /// The fields of a message; none if it is not known.
    pub(super) fn fields(&self, message: &str) -> &[Field] {
        self.messages.get(message).map(Vec::as_slice).unwrap_or_default()
    }

    /// Parts the methods into those that are answered for and those that are not, as `is_served` finds out.
    pub(super) async fn part(&mut self, mut is_served: impl AsyncFnMut(&Method) -> bool) {
        for method in std::mem::take(&mut self.methods) {
            let part = if is_served(&method).await { &mut self.methods } else { &mut self.elsewhere };
            part.push(method);
        }
    }

    fn add(&mut self, file: &FileDescriptorProto, served: &[&str]) {
        let package = file.package();
        for message in &file.message_type {
            self.add_message(&format!(".{package}"), message);
        }
        for service in &file.service {
            let name = format!("{package}.{}", service.name());
            if !served.contains(&name.as_str()) {
                continue;
            }
            for method in &service.method {
                let (path, input) = (format!("/{name}/{}", method.name()), method.input_type().to_owned());
                self.methods.push(Method { path, input, is_stream: method.server_streaming() });
            }
        }
    }

    fn add_message(&mut self, around: &str, message: &DescriptorProto) {
        let name = format!("{around}.{}", message.name());
        for nested in &message.nested_type {
            self.add_message(&name, nested);
        }
        let fields = message.field.iter().map(|field| Field {
            name: field.name().to_owned(),
            number: u32::try_from(field.number()).unwrap_or(1),
            is_repeated: field.label() == Label::Repeated,
            kind: match field.r#type() {
                Type::String => Kind::Text,
                Type::Bytes => Kind::Bytes,
                Type::Message | Type::Group => Kind::Message(field.type_name().to_owned()),
                Type::Double | Type::Fixed64 | Type::Sfixed64 => Kind::Fixed64,
                Type::Float | Type::Fixed32 | Type::Sfixed32 => Kind::Fixed32,
                Type::Bool
                | Type::Enum
                | Type::Int32
                | Type::Int64
                | Type::Uint32
                | Type::Uint64
                | Type::Sint32
                | Type::Sint64 => Kind::Varint,
            },
        });
        let fields = fields.collect();
        self.messages.insert(name, fields);
    }
}

async fn ask(server: SocketAddr, message: Ask) -> anyhow::Result<Answer> {
    let mut reflection = ServerReflectionClient::new(Caller::nobody().channel(server));
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(message) };
    let asking = async {
        let mut answers = reflection.server_reflection_info(tokio_stream::once(request)).await?.into_inner();
        answers.message().await
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await.context("reflection is silent")?;
    answer.context("asking for the schema")?.and_then(|answer| answer.message_response).context("an empty answer")
}
