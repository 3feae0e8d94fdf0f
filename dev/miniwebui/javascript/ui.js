// What the page's buttons do in the browser before python hears of them.

const OUTPUTS_OF_A_GENERATION = 4;

/** A generation's inputs: gradio appends the outputs' values, a gallery of pictures among them; python wants none. */
function create_submit_args(args) {
    return Array.from(args).slice(0, -OUTPUTS_OF_A_GENERATION);
}

function setSubmitButtonsVisibility(tabname, interrupt, skip, interrupting) {
    const show = (name, shown) => {
        gradioApp().getElementById(`${tabname}_${name}`).style.display = shown ? "block" : "none";
    };
    show("interrupt", interrupt);
    show("skip", skip);
    show("interrupting", interrupting);
}

function showSubmitButtons(tabname, show) {
    setSubmitButtonsVisibility(tabname, !show, !show, false);
}

function showSubmitInterruptingPlaceholder(tabname) {
    setSubmitButtonsVisibility(tabname, false, true, true);
}

function showRestoreProgressButton(tabname, show) {
    const button = gradioApp().getElementById(`${tabname}_restore_progress`);
    button?.style.setProperty("display", show ? "flex" : "none", "important");
}

function followTask(tabname, id, inactivityTimeout) {
    const element = (name) => gradioApp().getElementById(`${tabname}_${name}`);
    requestProgress(id, element("gallery_container"), element("gallery"), () => {
        showSubmitButtons(tabname, true);
        localStorage.removeItem(`${tabname}_task_id`);
        showRestoreProgressButton(tabname, false);
    }, null, inactivityTimeout);
}

function submitTask(tabname, args) {
    const id = randomId();
    showSubmitButtons(tabname, false);
    localStorage.setItem(`${tabname}_task_id`, id);
    followTask(tabname, id);
    const inputs = create_submit_args(args);
    inputs[0] = id;
    return inputs;
}

function submit() {
    return submitTask("txt2img", arguments);
}

function submit_img2img() {
    return submitTask("img2img", arguments);
}

function submit_txt2img_upscale() {
    const inputs = submitTask("txt2img", arguments);
    inputs[2] = selected_gallery_index();
    return inputs;
}

function restoreTask(tabname) {
    const id = localStorage.getItem(`${tabname}_task_id`);
    showRestoreProgressButton(tabname, false);
    if (id) {
        showSubmitInterruptingPlaceholder(tabname);
        followTask(tabname, id, 0);
    }
    return id;
}

function restoreProgressTxt2img() {
    return restoreTask("txt2img");
}

function restoreProgressImg2img() {
    return restoreTask("img2img");
}

onUiLoaded(() => {
    for (const tabname of ["txt2img", "img2img"]) {
        showRestoreProgressButton(tabname, Boolean(localStorage.getItem(`${tabname}_task_id`)));
    }
});

function openTab(number, inner) {
    gradioApp().querySelectorAll("#tabs > .tab-nav > button")[number].click();
    if (inner !== undefined) {
        gradioApp().querySelectorAll("#mode_img2img > .tab-nav > button")[inner].click();
    }
}

function switch_to_txt2img() {
    openTab(0);
    return Array.from(arguments);
}

function switch_to_img2img() {
    openTab(1, 0);
    return Array.from(arguments);
}

function switch_to_inpaint() {
    openTab(1, 1);
    return Array.from(arguments);
}

/** Tells gradio that a field's value was changed by a script. */
function updateInput(target) {
    const event = new Event("input", {bubbles: true});
    Object.defineProperty(event, "target", {value: target});
    target.dispatchEvent(event);
}

function setRandomSeed(elemId) {
    const input = gradioApp().querySelector(`#${elemId} input`);
    if (input) {
        input.value = "-1";
        updateInput(input);
    }
    return [];
}

const onEditTimers = {};

/** Calls func once the field was left alone for afterMs milliseconds after an edit. */
function onEdit(editId, field, afterMs, func) {
    const edited = () => {
        clearTimeout(onEditTimers[editId]);
        onEditTimers[editId] = setTimeout(func, afterMs);
    };
    field.addEventListener("input", edited);
    return edited;
}

/** After "Reload UI": waits for the page to answer again. */
function restart_reload() {
    document.body.innerHTML = '<h1 class="reloading">Reloading...</h1>';
    const ping = () => fetch("./internal/ping").then(() => location.reload(), () => setTimeout(ping, 500));
    setTimeout(ping, 2000);
    return [];
}
