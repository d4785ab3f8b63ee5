import { shadeNames, shapeForms } from '../../data/synthetic/shape-names.ts'

/**
 * What is learned to be seen: letters and signs of Western European, Polish and Czech print, some symbols; of coloured shapes
 * their shades and their forms, so that one is learned of all shapes that have it.
 */
export const alphabet: readonly string[] = [
  ...'!"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~',
  ...'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽžĄąĆćČčĘęŁłŃńŘřŚśŻż',
  ...'€£¥§°²³·×÷±½¼¾«»¿¡©®™–—‘’“”„•…→←↑↓✓☐☑№',
  ...shadeNames,
  ...shapeForms,
]
