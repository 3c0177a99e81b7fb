//! The application's own REST requests, past the state of the players.

use std::collections::BTreeMap;
use std::time::Duration;

use super::commands::Waits;
use super::fetches::fetch_failed;
use super::plugins::lacks;
use super::tables::Tables;
use super::timers::{Timer, TimerKey};
use crate::command::{Answer, Target};
use crate::error::{FetchFailure, NodeFailure, RequestError};
use crate::id::{CommandId, NodeId};
use crate::node::{Job, Keeping, Kept, LaneKind, NodeRef};
use crate::protocol::SessionState;
use crate::protocol::plugins::KnownPlugin;
use crate::rest::{self, Failure};
use crate::time::Timestamp;

/// The application's own requests, by number.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: BTreeMap<u64, OpenRequest>,
    last: u64,
}

#[derive(Debug)]
struct OpenRequest {
    asker: Asker,
    request: rest::Request,
    target: Target,
    /// The node that it waits for or is on its way to.
    node: Option<NodeId>,
    /// The nodes that have failed it.
    failed: Vec<NodeId>,
    /// How the latest one of them did, and its name.
    last_failure: Option<(Option<NodeRef>, NodeFailure)>,
    repeat: Option<TimerKey>,
    sent: bool,
    /// Whether it waits until its player is settled.
    held: bool,
}

/// Who waits for the answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// This command, for the answer as it comes.
    Command(CommandId),
    /// Everybody who waits for the tracks of a query.
    Fetch,
}

/// The longest time that a node may ask for with `Retry-After`.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// How often a request may be repeated, where that is safe.
const REPEATS_MAX: usize = 2;
/// The pause before a request goes to the same node again.
const REPEAT_AFTER: Duration = Duration::from_millis(500);

impl Requests {
    /// The request goes out now.
    pub(super) fn send(&mut self, number: u64) -> Option<&rest::Request> {
        let open = self.open.get_mut(&number)?;
        open.sent = true;
        Some(&open.request)
    }

    pub(super) fn get(&self, number: u64) -> Option<&rest::Request> {
        self.open.get(&number).map(|open| &open.request)
    }

    /// Whether the job changes how a session is kept.
    pub(super) fn changes_session(&self, job: Job) -> bool {
        match job {
            Job::Session { .. } => true,
            Job::Request(number) => {
                matches!(self.get(number), Some(rest::Request::UpdateSession(_)))
            }
            Job::Player(_)
            | Job::Check(_)
            | Job::Look(_)
            | Job::Delete(_)
            | Job::Players
            | Job::Plugin(..)
            | Job::Info => false,
        }
    }

    /// Whether nothing is lost if the request is not sent.
    pub(super) fn changes_nothing(&self, number: u64) -> bool {
        self.get(number).is_none_or(rest::Request::changes_nothing)
    }

    pub(super) fn is_in_flight(&self, number: u64) -> bool {
        self.open.get(&number).is_some_and(|open| open.sent)
    }
}

impl Tables {
    pub(super) fn submit_request(
        &mut self,
        command: CommandId,
        target: Target,
        request: rest::Request,
    ) {
        let number = self.open_request(Asker::Command(command), target, request);
        self.wait_for(command, Waits::Request(number));
        if !self.is_refused(number) && self.raise_barrier(number) {
            self.route_request(number);
        }
    }

    /// Numbers a request, which is still to be put in a lane.
    pub(super) fn open_request(
        &mut self,
        asker: Asker,
        target: Target,
        request: rest::Request,
    ) -> u64 {
        self.requests.last += 1;
        let number = self.requests.last;
        let open = OpenRequest {
            asker,
            request,
            target,
            node: None,
            failed: Vec::new(),
            last_failure: None,
            repeat: None,
            sent: false,
            held: true,
        };
        self.requests.open.insert(number, open);
        number
    }

    /// Puts the request in a lane; without a node it waits for one to be ready.
    pub(super) fn route_request(&mut self, number: u64) {
        let Some(open) = self.requests.open.get(&number) else {
            return;
        };
        let kind = lane_of(&open.request);
        let unfit = self.nodes_without_plugin(&open.request);
        let failed = [&*open.failed, &unfit].concat();
        let node = match open.target {
            Target::Node(node) => Some(node),
            Target::Best => self
                .choose_for_lookup(&failed)
                .or_else(|| self.choose_for_lookup(&unfit)),
        };
        if let Some(open) = self.requests.open.get_mut(&number) {
            open.node = node;
            open.repeat = None;
            open.held = false;
        }
        if let Some(id) = node
            && let Some(node) = self.node_mut(id)
        {
            node.lane(kind).push(Job::Request(number));
            self.note_lane(id, kind);
        }
    }

    /// Answers a request at once that is for a plugin which none of the nodes has that it may go
    /// to.
    fn is_refused(&mut self, number: u64) -> bool {
        let Some(open) = self.requests.open.get(&number) else {
            return true;
        };
        let rest::Request::Plugin(request) = &open.request else {
            return false;
        };
        let plugin = request.plugin();
        let is_refused = match open.target {
            Target::Node(node) => self.node(node).is_some_and(|node| lacks(node, plugin)),
            Target::Best => {
                let mut nodes = self.nodes.iter();
                !self.order.is_empty() && nodes.all(|node| lacks(node, plugin))
            }
        };
        if is_refused {
            self.close_request(number, Err(RequestError::PluginMissing { plugin }));
        }
        is_refused
    }

    /// The node turned out not to have the plugin: another one may.
    fn plugin_missed(&mut self, number: u64, plugin: KnownPlugin) {
        let Some(open) = self.requests.open.get_mut(&number) else {
            return;
        };
        open.failed.extend(open.node.take());
        let Some(open) = self.requests.open.get(&number) else {
            return;
        };
        let unfit = [&*open.failed, &self.nodes_without_plugin(&open.request)].concat();
        if open.target == Target::Best && self.choose_for_lookup(&unfit).is_some() {
            return self.route_request(number);
        }
        self.close_request(number, Err(RequestError::PluginMissing { plugin }));
    }

    /// A node is ready: requests that had none go there.
    pub(super) fn route_waiting_requests(&mut self) {
        let waiting = self.requests.open.iter();
        let waiting: Vec<_> = waiting
            .filter(|(_, open)| open.node.is_none() && open.repeat.is_none() && !open.held)
            .map(|(number, _)| *number)
            .collect();
        for number in waiting {
            self.route_request(number);
        }
    }

    /// A node is lost: requests that wait for it and may be answered by another find one.
    pub(super) fn reroute_requests(&mut self, lost: NodeId) {
        let waiting = self.requests.open.iter();
        let waiting: Vec<_> = waiting
            .filter(|(_, open)| open.node == Some(lost) && open.target == Target::Best)
            .map(|(number, _)| *number)
            .collect();
        mark!(QuestionsLeftTheNode if !waiting.is_empty());
        if let Some(node) = self.node_mut(lost) {
            let moved = |job| matches!(job, Job::Request(number) if waiting.contains(&number));
            node.lookup.retain(|job| !moved(job));
            node.control.retain(|job| !moved(job));
        }
        // Those on their way still may be answered: only what waits in a lane moves.
        for number in waiting {
            if !self.requests.is_in_flight(number) {
                self.route_request(number);
            }
        }
    }

    /// The node answered.
    pub(super) fn request_answered(
        &mut self,
        number: u64,
        id: NodeId,
        answer: Result<rest::Answer, Failure>,
    ) {
        let Some(open) = self.requests.open.get_mut(&number) else {
            return;
        };
        open.sent = false;
        if open.asker == Asker::Fetch {
            self.cancel_request(number);
            return self.fetch_answered(number, id, answer);
        }
        if let (rest::Request::Plugin(request), Err(Failure::Refused(refusal))) =
            (&open.request, &answer)
            && refusal.lacks_endpoint()
        {
            let plugin = request.plugin();
            return self.plugin_missed(number, plugin);
        }
        let node = open.node;
        if let (Ok(rest::Answer::Session(state)), Some(node)) = (&answer, node) {
            self.session_kept(node, *state);
        }
        let answer = match answer {
            Ok(answer) => Ok(Answer::Rest(Box::new(answer))),
            Err(Failure::Undecodable(error)) => Err(RequestError::Undecodable(error)),
            Err(Failure::Refused(refusal)) => {
                let status = refusal.status.as_u16();
                let message = refusal.body.message.as_deref().map(Into::into);
                Err(RequestError::Rejected { status, message })
            }
        };
        self.close_request(number, answer);
    }

    /// The node has agreed to keep its session in another way than configured: the sessions that
    /// follow it are kept in the same way.
    fn session_kept(&mut self, id: NodeId, state: SessionState) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.keeping = Keeping {
            resuming: state.resuming,
            timeout: Some(state.timeout),
            is_changed: true,
        };
        if let Some(session) = &mut node.session {
            session.kept = Kept::by_word(state.resuming);
        }
        self.node_changed(id);
    }

    /// The node did not answer: another one is asked, or the same again, where that is safe.
    pub(super) fn request_failed(
        &mut self,
        number: u64,
        failure: NodeFailure,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) {
        let is_awaited = self.is_awaited(number);
        let Some(open) = self.requests.open.get_mut(&number) else {
            return;
        };
        open.sent = false;
        let id = open.node.take();
        open.failed.extend(id);
        let is_over = !open.request.repeat_is_safe() || open.failed.len() > REPEATS_MAX;
        let node = id.and_then(|id| self.node_ref(id));
        if is_over || !is_awaited {
            mark!(QuestionGivenUp if is_over);
            return self.fail_request(number, node, failure);
        }
        let Some(open) = self.requests.open.get_mut(&number) else {
            return;
        };
        mark!(AskedAgain);
        open.last_failure = Some((node, failure));
        // Another node need not wait for this one.
        let asked_for = retry_after.filter(|_| open.target != Target::Best);
        let pause = REPEAT_AFTER.max(asked_for.unwrap_or_default().min(RETRY_AFTER_MAX));
        let timer = self.timers.arm(now + pause, Timer::Repeat(number));
        if let Some(open) = self.requests.open.get_mut(&number) {
            open.repeat = Some(timer);
        }
    }

    /// The socket died before the node can have seen the request: it goes out again at once.
    pub(super) fn repeat_request(&mut self, number: u64, node: NodeId) {
        let is_awaited = self.is_awaited(number);
        let Some(open) = self.requests.open.get_mut(&number) else {
            return;
        };
        open.sent = false;
        if !open.request.repeat_is_safe() || !is_awaited {
            let name = self.node_ref(node);
            return self.fail_request(number, name, NodeFailure::ConnectionLost);
        }
        let (kind, target) = (lane_of(&open.request), open.target);
        let is_ready = self.node(node).is_some_and(|node| node.is_ready());
        if !is_ready && target == Target::Best {
            // It was not the socket alone that died.
            return self.route_request(number);
        }
        if let Some(node) = self.node_mut(node) {
            node.lane(kind).push_first(Job::Request(number));
        }
    }

    /// The deadline came; returns what the command is answered.
    pub(super) fn give_up_request(&mut self, number: u64) -> RequestError {
        let failure = self.present_failure(number);
        self.cancel_request(number);
        match failure {
            Some((_, failure)) => RequestError::NodeFailed(failure),
            None => RequestError::NoNode,
        }
    }

    /// Why there is no answer yet, if a node was asked: the one that is silent, or the last one
    /// that failed.
    pub(super) fn present_failure(&self, number: u64) -> Option<(Option<NodeRef>, NodeFailure)> {
        let open = self.requests.open.get(&number)?;
        if open.sent {
            let node = open.node.and_then(|id| self.node_ref(id));
            return Some((node, NodeFailure::TimedOut));
        }
        open.last_failure.clone()
    }

    /// Nobody waits for the request: it leaves its lane, or loses its answer.
    pub(super) fn cancel_request(&mut self, number: u64) {
        self.lower_barrier(number);
        let Some(mut open) = self.requests.open.remove(&number) else {
            return;
        };
        self.timers.clear(&mut open.repeat);
        if let Some(id) = open.node
            && let Some(node) = self.node_mut(id)
        {
            node.lane(lane_of(&open.request))
                .retain(|job| job != Job::Request(number));
        }
    }

    /// The node is gone: requests that were for it alone are answered.
    pub(super) fn fail_requests_of(&mut self, node: NodeId, error: &RequestError) {
        let theirs = self.requests.open.iter();
        let theirs: Vec<_> = theirs
            .filter(|(_, open)| open.target == Target::Node(node))
            .map(|(number, _)| *number)
            .collect();
        for number in theirs {
            self.close_request(number, Err(error.clone()));
        }
    }

    /// The node is gone with its sockets: what was on its way to it is asked of another.
    pub(super) fn requests_lost(&mut self, node: NodeId, now: Timestamp) {
        let lost = self.requests.open.iter();
        let lost: Vec<_> = lost
            .filter(|(_, open)| open.sent && open.node == Some(node))
            .map(|(number, _)| *number)
            .collect();
        for number in lost {
            self.request_failed(number, NodeFailure::ConnectionLost, None, now);
        }
    }

    /// No node answered, and no other is asked.
    fn fail_request(&mut self, number: u64, node: Option<NodeRef>, failure: NodeFailure) {
        let asker = self.requests.open.get(&number).map(|open| open.asker);
        let error = match asker {
            Some(Asker::Fetch) => fetch_failed(node, FetchFailure::NodeFailed(failure)),
            Some(Asker::Command(_)) | None => RequestError::NodeFailed(failure),
        };
        self.close_request(number, Err(error));
    }

    fn close_request(&mut self, number: u64, answer: Result<Answer, RequestError>) {
        let asker = self.requests.open.get(&number).map(|open| open.asker);
        self.cancel_request(number);
        match asker {
            Some(Asker::Command(command)) => self.answer(command, answer),
            Some(Asker::Fetch) => self.land(number, &answer),
            None => {}
        }
    }

    /// Whether somebody still waits for the answer. Only the tracks of a query may come for
    /// nobody: other requests end with their command.
    fn is_awaited(&self, number: u64) -> bool {
        let open = self.requests.open.get(&number);
        open.is_some_and(|open| match open.asker {
            Asker::Command(_) => true,
            Asker::Fetch => self.fetches.is_awaited(number),
        })
    }
}

/// The lane of a request.
pub(super) fn lane_of(request: &rest::Request) -> LaneKind {
    if request.is_lookup() {
        LaneKind::Lookup
    } else {
        LaneKind::Control
    }
}
