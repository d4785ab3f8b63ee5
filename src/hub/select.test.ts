import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectFiles } from './select.ts'

/** The paths that the rule leaves out of `paths`. */
function leftOut(...paths: string[]): string[] {
  const taken = new Set(selectFiles(paths))
  return paths.filter((path) => !taken.has(path))
}

test('takes configuration, tokenizer, templates, licence and weights', () => {
  assert.deepEqual(
    leftOut(
      'config.json',
      'preprocessor_config.json',
      'tokenizer.model',
      'vocab.txt',
      'chat_template.jinja',
      'LICENSE',
      'README.md',
      'model-00001-of-00002.safetensors',
      'model.safetensors.index.json',
    ),
    [],
  )
})

test('leaves out code, other engines, training state, media and hidden files', () => {
  const others = [
    'modeling_internvl_chat.py',
    'onnx/model.onnx',
    'onnx/config.json',
    'model.Q4_K.gguf',
    'flax_model.msgpack',
    'tf_model.h5',
    'openvino_model.bin',
    'original/consolidated.00.pth',
    'checkpoint-500/model.safetensors',
    'optimizer.pt',
    'training_args.bin',
    'rng_state_0.pth',
    'examples/image1.jpg',
    'assets/demo.mp4',
    '.gitattributes',
  ]
  assert.deepEqual(leftOut('config.json', ...others), others)
})

test('prefers safetensors to PyTorch files of the same weights', () => {
  assert.deepEqual(
    leftOut(
      'model-00001-of-00002.safetensors',
      'pytorch_model-00001-of-00003.bin',
      'pytorch_model.bin.index.json',
      'model.pt',
    ),
    ['pytorch_model-00001-of-00003.bin', 'pytorch_model.bin.index.json', 'model.pt'],
  )
  assert.deepEqual(leftOut('open_clip_pytorch_model.bin', 'open_clip_model.safetensors'), [
    'open_clip_pytorch_model.bin',
  ])
  assert.deepEqual(leftOut('consolidated.safetensors', 'model-00001-of-00002.safetensors'), [
    'consolidated.safetensors',
  ])
})

test('keeps PyTorch files that no safetensors file repeats', () => {
  assert.deepEqual(leftOut('pytorch_model.bin', 'mm_projector.bin'), [])
  assert.deepEqual(leftOut('model.safetensors', 'mm_projector.bin', 'vision_tower/pytorch_model.bin'), [])
  assert.deepEqual(leftOut('consolidated.00.pth', 'params.json'), [])
})

test('takes what include names in place of the rule, less what exclude names', () => {
  const paths = ['config.json', 'a.py', 'onnx/model.onnx', 'onnx/sub/x.onnx']
  assert.deepEqual(selectFiles(paths, { include: ['onnx/'] }), ['onnx/model.onnx', 'onnx/sub/x.onnx'])
  assert.deepEqual(selectFiles(paths, { include: ['*.??'] }), ['a.py'])
  assert.deepEqual(selectFiles(paths, { exclude: ['config*'] }), [])
  assert.deepEqual(selectFiles(['a+b(1).json'], { include: ['a+b(1).*'] }), ['a+b(1).json'])
})
