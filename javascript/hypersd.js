// Queries the extension's Python side once the person pauses, and shows its answer: what will happen. No rule is here.
"use strict";

const HYPERSD_TABS = ["txt2img", "img2img"];
const HYPERSD_PAUSE_MS = 120;
const HYPERSD_PROGRESS_MS = 500;
// After this an answer counts as lost: the query is sent again, each time after twice as long, and not for ever.
const HYPERSD_PATIENCE_MS = 3000;
const HYPERSD_TRIES = 4;
const hypersdTabs = {};

function hypersdFind(tab, part) {
    return gradioApp().querySelector(`#hypersd_${tab}${part}`);
}

function hypersdState(tab) {
    return hypersdTabs[tab] ||= {
        newest: 0, sent: 0, answered: 0, due: false, tries: 0, pause: null, patience: null,
        requests: [], applied: {}, before: {}, checkpoint: null, running: false, focus: null,
    };
}

// Queries and answers -------------------------------------------------------------------------------------------

// Called by every control of the page and of the panel that matters.
function hypersdChanged(tab, pause = HYPERSD_PAUSE_MS) {
    const state = hypersdState(tab);
    state.newest += 1;
    state.tries = 0;
    clearTimeout(state.pause);
    state.pause = setTimeout(() => hypersdSend(tab), pause);
}

// One query at a time: gradio 3 drops a click while the one before is under way, gradio 4 answers in any order.
function hypersdSend(tab) {
    const [state, button] = [hypersdState(tab), hypersdFind(tab, "_ask")];
    clearTimeout(state.pause);
    state.pause = null;
    state.due = state.answered < state.sent && state.patience !== null;
    if (!button || state.due || hypersdIsIdle(tab)) return;
    state.sent = state.newest;
    state.patience = setTimeout(() => hypersdLost(tab), HYPERSD_PATIENCE_MS * 2 ** state.tries);
    button.click();
}

function hypersdLost(tab) {
    const state = hypersdState(tab);
    state.patience = null;
    state.tries += 1;
    if (state.tries < HYPERSD_TRIES) hypersdSend(tab);
}

// What is sent: the query's number, the marks of the last answer, and what was pressed in the table since.
function hypersdQuery(tab) {
    const {sent, requests} = hypersdState(tab);
    return JSON.stringify({...hypersdAnswer(tab), number: sent, requests});
}

function hypersdAnswer(tab) {
    const mark = hypersdFind(tab, "_answer [data-hypersd-answer]");
    return {number: 0, ...JSON.parse(mark?.dataset.hypersdAnswer || "{}")};
}

// Off, and the header says so already; a tag, which a style may hold, one of Hyper-SD's samplers or a remembered panel
// would still count.
function hypersdIsIdle(tab) {
    const ticked = hypersdFind(tab, "-checkbox input")?.checked;
    const shown = hypersdFind(tab, "_badge [data-state]:not([data-state=off])");
    const fields = [`#${tab}_prompt textarea`, "#hires_prompt textarea", `#${tab}_sampling input`, `#${tab}_scheduler input`];
    const said = [...gradioApp().querySelectorAll(fields.join(", "))].some(({value}) => /<|^Hyper-SD/.test(value));
    const styled = gradioApp().querySelector(`#${tab}_styles .token`);
    return !ticked && !shown && !said && !styled && !opts.hypersd_remember;
}

function hypersdArrived(tab) {
    const state = hypersdState(tab);
    const {number, checkpoint} = hypersdAnswer(tab);
    if (number === state.answered) return;
    if (number < state.answered) return hypersdOvertaken(tab, number);
    state.answered = number;
    hypersdNoteApplied(state, state.requests.filter(({key, since}) => key && since <= number));
    state.requests = state.requests.filter(({since}) => since > number);
    if (checkpoint !== state.checkpoint) Object.assign(state, {checkpoint, before: {}});
    if (number < state.sent) return;
    clearTimeout(state.patience);
    state.patience = null;
    if (state.due || (number < state.newest && state.pause === null)) hypersdSend(tab);
    hypersdFollowDownload(tab);
}

// Of each setting since when it was ticked, and the last tick: no more, however long the page stays open.
function hypersdNoteApplied({applied}, requests) {
    for (const request of requests) {
        const first = applied[request.key]?.first ?? request.since;
        applied[request.key] = {first, last: request};
    }
}

// An answer that was thought lost has replaced a later one: a tick made after it, of a setting that it may have set
// back, is requested again.
function hypersdOvertaken(tab, number) {
    const state = hypersdState(tab);
    const ticked = Object.values(state.applied).filter(({first}) => first <= number);
    const again = ticked.map(({last}) => last).filter(({since}) => since > number);
    state.requests.unshift(...again.map((request) => ({...request, since: state.newest + 1})));
    hypersdChanged(tab);
}

function hypersdFollowDownload(tab) {
    const state = hypersdState(tab);
    const running = Boolean(hypersdFind(tab, "_outlook [data-hypersd-running]"));
    if (running) hypersdChanged(tab, HYPERSD_PROGRESS_MS);
    else if (state.running) HYPERSD_TABS.forEach((each) => hypersdChanged(each)); // the file is there for all
    state.running = running;
}

// The table and the download ---------------------------------------------------------------------------------------

// Goes with the next query, which is sent at once.
function hypersdRequest(tab, request) {
    const state = hypersdState(tab);
    state.newest += 1;
    state.tries = 0;
    state.requests.push({...request, since: state.newest});
    hypersdSend(tab);
}

function hypersdOnChange(tab, {target}) {
    const {hypersdKeep: key, hypersdDo: action, value} = target.dataset;
    if (action === "accept") {
        hypersdFind(tab, "_outlook [data-hypersd-do=download]").disabled = !target.checked;
    } else if (key) {
        const {before} = hypersdState(tab);
        if (!target.checked) before[key] = value;
        hypersdRequest(tab, {key, value: target.checked ? before[key] : "keep"});
    }
}

function hypersdOnClick(tab, {target}) {
    const {hypersdDo: action, value} = target.dataset;
    if (action === "download") hypersdRequest(tab, {download: value, accepted: true});
    if (action === "cancel") hypersdRequest(tab, {cancel: value});
}

// New lines must not take the keyboard's place away: the same control, or the first one.
function hypersdKeepFocus(tab) {
    const {focus} = hypersdState(tab);
    if (!focus || document.activeElement !== document.body) return;
    (hypersdFind(tab, `_outlook ${focus}`) || hypersdFind(tab, "_outlook :is(input, button)"))?.focus();
}

function hypersdNoteFocus(tab, body, {target}) {
    const {hypersdField: field, hypersdDo: action} = body.contains(target) ? target.dataset : {};
    const found = field ? `[data-hypersd-field="${field}"]` : action ? `[data-hypersd-do="${action}"]` : null;
    hypersdState(tab).focus = found;
}

// Setting up -------------------------------------------------------------------------------------------------------

function hypersdSetUp(tab) {
    const [badge, answer, body] = ["_badge", "_answer", "_outlook"].map((part) => hypersdFind(tab, part));
    if (!answer) return;
    badge.setAttribute("role", "status");
    hypersdFind(tab, "-visible-checkbox")?.setAttribute("aria-label", "Hyper-SD"); // the host's has no name
    const observe = (element, seen) => new MutationObserver(seen).observe(element, {childList: true, subtree: true});
    observe(answer, () => hypersdArrived(tab));
    observe(body, () => hypersdKeepFocus(tab));
    body.addEventListener("change", (event) => hypersdOnChange(tab, event));
    body.addEventListener("click", (event) => hypersdOnClick(tab, event));
    document.addEventListener("focusin", (event) => hypersdNoteFocus(tab, body, event));
}

onUiLoaded(() => HYPERSD_TABS.forEach(hypersdSetUp));
onOptionsChanged(() => HYPERSD_TABS.forEach((tab) => hypersdChanged(tab)));

// The checkpoint dropdown is outside the tabs; its shown value is what changes. Forge gives it no id.
const HYPERSD_CHECKPOINT = ["#setting_sd_model_checkpoint input", "#setting_sd_model_checkpoint select", ".model_selection input"];
let hypersdCheckpoint = null;
let hypersdCheckpointAgain = null;
onAfterUiUpdate(() => {
    const shown = gradioApp().querySelector(HYPERSD_CHECKPOINT.join(", "));
    const value = shown ? shown.value : null;
    if (value === hypersdCheckpoint) return;
    hypersdCheckpoint = value;
    const query = () => HYPERSD_TABS.forEach((tab) => hypersdChanged(tab));
    query();
    // The host takes the new one in when its queue comes to it.
    clearTimeout(hypersdCheckpointAgain);
    hypersdCheckpointAgain = setTimeout(query, HYPERSD_PATIENCE_MS);
});
