//! One test a family, with the template its models carry, shortened where it
//! deals with tools and pictures.

use super::*;

const QWEN25: &str = "{%- if messages[0]['role'] == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}\n{%- else %}\n    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}\n{%- endif %}\n{%- for message in messages %}\n    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) or (message.role == \"assistant\" and not message.tool_calls) %}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n";
const QWEN3: &str = "{%- if messages[0].role == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}\n{%- endif %}\n{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}\n{%- for message in messages[::-1] %}\n    {%- set index = (messages|length - 1) - loop.index0 %}\n    {%- if ns.multi_step_tool and message.role == \"user\" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}\n        {%- set ns.multi_step_tool = false %}\n        {%- set ns.last_query_index = index %}\n    {%- endif %}\n{%- endfor %}\n{%- for message in messages %}\n    {%- if message.content is string %}\n        {%- set content = message.content %}\n    {%- else %}\n        {%- set content = '' %}\n    {%- endif %}\n    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) %}\n        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}\n    {%- elif message.role == \"assistant\" %}\n        {%- if '</think>' in content %}\n            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}\n        {%- endif %}\n        {{- '<|im_start|>' + message.role + '\\n' + content }}\n        {{- '<|im_end|>\\n' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n    {%- if enable_thinking is defined and enable_thinking is false %}\n        {{- '<think>\\n\\n</think>\\n\\n' }}\n    {%- endif %}\n{%- endif %}";
const LLAMA31: &str = "{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- set date_string = strftime_now(\"%d %b %Y\") %}\n{%- endif %}\n{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content']|trim %}\n    {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set system_message = \"\" %}\n{%- endif %}\n{{- \"<|start_header_id|>system<|end_header_id|>\\n\\n\" }}\n{{- \"Cutting Knowledge Date: December 2023\\n\" }}\n{{- \"Today Date: \" + date_string + \"\\n\\n\" }}\n{{- system_message }}\n{{- \"<|eot_id|>\" }}\n{%- for message in messages %}\n    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n";
const GEMMA2: &str = "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}";
const PHI35: &str = "{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}";
const MISTRAL_V01: &str = "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}";
const SMOLLM2: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

fn message(role: Role, text: &str) -> Message {
    Message::new(role, Part::Prompt(text.to_owned()))
}

fn interview() -> Vec<Message> {
    vec![
        message(Role::System, "S"),
        message(Role::User, "U"),
        message(Role::Assistant, "A"),
        message(Role::User, "V"),
    ]
}

/// The rendering as one text, content in angle quotes.
fn shown(own: &str, messages: &[Message]) -> String {
    let template = Template::choose(Some(own), None, "<s>", "</s>").expect("usable");
    let segments = template.render(messages).expect("renders");
    segments
        .iter()
        .map(|segment| match segment {
            Segment::Framing(text) => text.clone(),
            Segment::Text(text) => format!("«{text}»"),
        })
        .collect()
}

#[test]
fn qwen_2_5_takes_system_and_turns() {
    assert_eq!(
        shown(QWEN25, &interview()),
        "<|im_start|>system\n«S»<|im_end|>\n<|im_start|>user\n«U»<|im_end|>\n<|im_start|>assistant\n«A»<|im_end|>\n<|im_start|>user\n«V»<|im_end|>\n<|im_start|>assistant\n"
    );
}

#[test]
fn qwen_3_is_told_not_to_think() {
    assert!(
        shown(QWEN3, &interview())
            .ends_with("«V»<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n")
    );
}

#[test]
fn llama_3_trims_around_the_content_and_knows_a_day() {
    let shown = shown(LLAMA31, &interview());
    assert!(shown.starts_with("<s><|start_header_id|>system<|end_header_id|>\n\nCutting"));
    assert!(shown.contains("Today Date: 01 Jan 2026\n\n«S»<|eot_id|>"));
    assert!(shown.ends_with("«V»<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"));
}

#[test]
fn gemma_gets_the_system_text_in_its_first_user_turn() {
    assert_eq!(
        shown(GEMMA2, &interview()),
        "<s><start_of_turn>user\n«S\n\nU»<end_of_turn>\n<start_of_turn>model\n«A»<end_of_turn>\n<start_of_turn>user\n«V»<end_of_turn>\n<start_of_turn>model\n"
    );
}

#[test]
fn gemma_takes_a_panel_that_speaks_first() {
    let messages = [
        message(Role::System, "S"),
        message(Role::Assistant, "Q"),
        message(Role::User, "V"),
    ];
    assert!(
        shown(GEMMA2, &messages)
            .starts_with("<s><start_of_turn>user\n«S»<end_of_turn>\n<start_of_turn>model\n«Q»")
    );
    let without = [message(Role::Assistant, "Q"), message(Role::User, "V")];
    assert!(shown(GEMMA2, &without).contains("«Please begin.»"));
}

#[test]
fn phi_and_smollm_take_all_roles() {
    assert_eq!(
        shown(PHI35, &interview()),
        "<|system|>\n«S»<|end|>\n<|user|>\n«U»<|end|>\n<|assistant|>\n«A»<|end|>\n<|user|>\n«V»<|end|>\n<|assistant|>\n"
    );
    assert!(shown(SMOLLM2, &interview()).starts_with("<|im_start|>system\n«S»<|im_end|>\n"));
}

#[test]
fn mistral_gets_the_system_text_in_its_first_user_turn() {
    assert_eq!(
        shown(MISTRAL_V01, &interview()),
        "<s>[INST] «S\n\nU» [/INST]«A»</s>[INST] «V» [/INST]"
    );
}

#[test]
fn every_built_in_family_renders_an_interview() {
    for (name, ..) in FAMILIES {
        let template = Template::choose(None, Some(name), "<s>", "</s>").expect(name);
        let segments = template.render(&interview()).expect(name);
        assert!(segments.contains(&Segment::Text("V".into())), "{name}");
    }
}

#[test]
fn a_broken_template_falls_back_to_its_family() {
    let broken = "{% for m in messages %}<|im_start|>{{ m.content | no_such_filter }}{% endfor %}";
    assert!(shown(broken, &interview()).ends_with("<|im_start|>assistant\n"));
}

#[test]
fn neighbours_of_one_role_are_joined() {
    let messages = [message(Role::User, "a"), message(Role::User, "b")];
    assert!(shown(GEMMA2, &messages).contains("«a\n\nb»"));
}

#[test]
fn a_missing_or_hopeless_template_is_an_error() {
    assert_eq!(
        Template::choose(None, None, "", "").err(),
        Some(TemplateError::Missing)
    );
    assert!(matches!(
        Template::choose(Some("{{ 1/0 }}{% bad"), None, "", ""),
        Err(TemplateError::Broken(_))
    ));
    assert!(matches!(
        Template::choose(None, Some("no-such-family"), "", ""),
        Err(TemplateError::Unknown(..))
    ));
}

#[test]
fn content_is_never_read_as_a_template() {
    let text = "{{ bos_token }} {% raise %} \u{F8E0}0\u{F8E1}";
    assert!(shown(SMOLLM2, &[message(Role::User, text)]).contains(&format!("«{text}»")));
}

#[test]
fn an_open_thinking_block_is_closed() {
    let template = "{% for m in messages %}{{ m.content }}{% endfor %}{{ '<think>\n' }}";
    assert!(shown(template, &interview()).ends_with("<think>\n\n</think>\n\n"));
}
