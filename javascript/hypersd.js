// Tells the panel that the page has changed, once the person pauses. What the change means is asked of the
// extension's Python side: no rule stands here.
"use strict";

const HYPERSD_PAUSE_MS = 200;
// gradio drops a click while the one before is under way: the answer carries the number of the question, and a
// question that was not answered is asked again.
const HYPERSD_RETRY_MS = 700;
const HYPERSD_RETRIES = 40;
const hypersdTabs = {};

function hypersdFind(tab, part) {
    return gradioApp().querySelector(`#hypersd_${tab}${part}`);
}

function hypersdChanged(tab) {
    const state = hypersdTabs[tab] || (hypersdTabs[tab] = {asked: 0, timer: null});
    state.asked += 1;
    clearTimeout(state.timer);
    state.timer = setTimeout(() => hypersdAsk(tab, HYPERSD_RETRIES), HYPERSD_PAUSE_MS);
}

function hypersdAsk(tab, retries) {
    const state = hypersdTabs[tab];
    const [number, button] = [hypersdFind(tab, "_number textarea, #hypersd_" + tab + "_number input"), hypersdFind(tab, "_refresh")];
    if (!number || !button || hypersdIsOff(tab)) return;
    number.value = String(state.asked);
    updateInput(number);
    setTimeout(() => button.click(), 30); // gradio takes the number in first
    state.timer = setTimeout(() => {
        const answer = hypersdFind(tab, "_badge [data-number]");
        if (retries > 0 && (!answer || answer.dataset.number !== String(state.asked))) hypersdAsk(tab, retries - 1);
    }, HYPERSD_RETRY_MS);
}

// Off, and the header says so already.
function hypersdIsOff(tab) {
    const toggle = hypersdFind(tab, "-checkbox input");
    return toggle && !toggle.checked && !hypersdFind(tab, "_badge .hypersd-on");
}

// The checkpoint dropdown stands outside the tabs; its shown value is what changes. Forge gives it no id.
const HYPERSD_CHECKPOINT = ["#setting_sd_model_checkpoint input", "#setting_sd_model_checkpoint select", ".model_selection input"];
let hypersdCheckpoint = null;
onAfterUiUpdate(() => {
    const shown = gradioApp().querySelector(HYPERSD_CHECKPOINT.join(", "));
    const value = shown ? shown.value : null;
    if (value !== hypersdCheckpoint) {
        hypersdCheckpoint = value;
        for (const tab of ["txt2img", "img2img"]) hypersdChanged(tab);
    }
});
