//! Writes to a session, or follows it: sessiond-example write|tail ADDRESS SESSION
mod tail;
#[allow(dead_code)]
mod stubs {
    include!(concat!(env!("OUT_DIR"), "/stubs.rs"));
}

use std::env;
use std::error::Error;
use std::io::Write;

use stubs::sessionstore::v1::session_store_service_client::SessionStoreServiceClient;
use stubs::sessionstore::v1::*;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

#[derive(Clone)]
pub struct Token(Option<MetadataValue<Ascii>>);
pub type Client = SessionStoreServiceClient<InterceptedService<Channel, Token>>;

impl tonic::service::Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [command, address, session] = &arguments[..] else {
        return Err("usage: sessiond-example write|tail ADDRESS SESSION".into());
    };
    let client = connect(address)?;
    match command.as_str() {
        "write" => write(client, session).await,
        "tail" => follow(client, session).await,
        _ => Err("usage: sessiond-example write|tail ADDRESS SESSION".into()),
    }
}

fn connect(address: &str) -> Result<Client, Box<dyn Error>> {
    let mut endpoint = if address.starts_with("unix:") {
        // The path of a socket is no host name.
        Endpoint::from_shared(address.to_owned())?.origin("http://localhost".parse()?)
    } else {
        Endpoint::from_shared(format!("http://{address}"))?
    };
    if let Ok(authority) = env::var("SESSIOND_TLS_CA") {
        let certificate = Certificate::from_pem(std::fs::read(authority)?);
        endpoint = Endpoint::from_shared(format!("https://{address}"))?
            .tls_config(ClientTlsConfig::new().ca_certificate(certificate))?;
    }
    let token = match env::var("SESSIOND_TOKEN") {
        Ok(token) => Some(format!("Bearer {token}").parse()?),
        Err(_) => None,
    };
    let client = SessionStoreServiceClient::with_interceptor(endpoint.connect_lazy(), Token(token));
    Ok(client.max_decoding_message_size(16 << 20))
}

/// Commits a message together with the event that announces it. It may be repeated: everything has an id.
async fn write(mut client: Client, session: &str) -> Result<(), Box<dyn Error>> {
    let request = CreateSessionRequest { session_id: Some(session.into()), ..Default::default() };
    client.create_session(request).await?;
    let text = AssistantContent { kind: Some(assistant_content::Kind::Text("Hello.".into())) };
    let role = message::Role::Assistant(AssistantMessage { content: vec![text] });
    let message = Message { id: "hello".into(), role: Some(role), ..Default::default() };
    let complete =
        MessageComplete { message: Some(message.clone()), model: "some-model".into(), ..Default::default() };
    let event = Event { kind: Some(event::Kind::MessageComplete(complete)), ..Default::default() };
    let announce = EventAppend { event: Some(event), event_id: Some(message.id.clone()) };
    let kinds = [mutation::Kind::AppendMessage(message), mutation::Kind::AppendEvent(announce)];
    let mutations = kinds.into_iter().map(|kind| Mutation { kind: Some(kind) }).collect();
    let request = CommitRequest { session_id: session.into(), mutations, ..Default::default() };
    let answer = client.commit(request).await?.into_inner();
    match answer.results.into_iter().nth(1).and_then(|result| result.kind) {
        Some(mutation_result::Kind::AppendEvent(appended)) => println!("committed {}", appended.sequence),
        other => return Err(format!("no appended event was answered: {other:?}").into()),
    }
    Ok(())
}

/// Prints each event, until the session is deleted.
async fn follow(mut client: Client, session: &str) -> Result<(), Box<dyn Error>> {
    let mut output = std::io::stdout();
    let print = |stored: StoredEvent| {
        if let Some(kind) = stored.event.as_ref().and_then(|event| event.kind.as_ref()) {
            writeln!(output, "{} {}", stored.sequence, name(kind)).expect("standard output is closed");
            output.flush().expect("standard output is closed");
        }
    };
    Ok(tail::resuming_tail(&mut client, session, None, print).await?)
}

/// The name of the field, which prost's types do not carry.
fn name(kind: &event::Kind) -> &'static str {
    use event::Kind::*;
    match kind {
        MessagePart(_) => "message_part",
        MessageComplete(_) => "message_complete",
        ToolCallStarted(_) => "tool_call_started",
        ToolCallCompleted(_) => "tool_call_completed",
        ToolCallFailed(_) => "tool_call_failed",
        ToolApprovalRequired(_) => "tool_approval_required",
        SessionCreated(_) => "session_created",
        SessionResumed(_) => "session_resumed",
        SessionSaved(_) => "session_saved",
        OperationStarted(_) => "operation_started",
        OperationCompleted(_) => "operation_completed",
        OperationCancelled(_) => "operation_cancelled",
        Error(_) => "error",
        WorkspaceChanged(_) => "workspace_changed",
        WorkspaceFiles(_) => "workspace_files",
        Custom(_) => "custom",
    }
}
